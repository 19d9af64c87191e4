"""Reads a JSON list of expositions, and writes a list: for each why it is refused, or null."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def judged(text):
    try:
        for _ in text_string_to_metric_families(text):
            pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


json.dump([judged(text) for text in json.load(sys.stdin)], sys.stdout)
