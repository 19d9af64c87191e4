"""Uses the tests' Grafana at argv[1] as a public client does. Ends with the JSON of what the plug is to find there."""

import json
import sys
from urllib.parse import urlsplit

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaBadInputError, GrafanaClientError, GrafanaUnauthorizedError

url = sys.argv[1]


def refused(kind, call, *args, **more):
    """The error with which a call is refused."""
    try:
        answer = call(*args, **more)
    except kind as error:
        return error
    raise AssertionError(f"{call.__name__}{args}{more} was not refused: {answer}")


# Tokens and organizations: a token is of one, basic credentials are of the one that is asked for.
first = GrafanaApi.from_url(url, credential="glsa_first")
place = urlsplit(url)
admin = GrafanaApi(("admin", "s3cret"), host=place.hostname, port=place.port, organization_id=2)
assert first.organization.get_current_organization()["id"] == 1
assert admin.organization.get_current_organization()["name"] == "Second"
assert first.client.GET("/health")["database"] == "ok"
stranger = GrafanaApi.from_url(url, credential="wrong")
refused(GrafanaUnauthorizedError, stranger.dashboard.get_dashboard, "any")

# Folders, within one another.
outer = first.folder.create_folder(title="Outer", uid="outer")
assert (outer["uid"], outer["title"]) == ("outer", "Outer")
first.folder.create_folder(title="Inner", uid="inner", parent_uid="outer")
assert first.folder.get_folder("inner")["parentUid"] == "outer"
assert refused(GrafanaClientError, first.folder.create_folder, title="Outer", uid="outer").status_code in (409, 412)
assert refused(GrafanaClientError, first.folder.get_folder, "nowhere").status_code == 404
assert refused(GrafanaClientError, first.folder.create_folder, title="x", uid="x", parent_uid="nowhere").status_code in (400, 404)

# A dashboard and its versions.
model = {"uid": "by-client", "title": "By a client", "tags": ["client"], "panels": [{"id": 1, "type": "stat", "title": "a"}]}
saved = first.dashboard.update_dashboard({"dashboard": model, "folderUid": "inner", "message": "first"})
assert (saved["status"], saved["version"], saved["uid"]) == ("success", 1, "by-client"), saved
held = first.dashboard.get_dashboard("by-client")
assert held["meta"]["folderUid"] == "inner" and held["dashboard"]["version"] == 1, held
# What was read is changed and sent back, with its id.
again = held["dashboard"]
again["title"] = "By a client, again"
assert first.dashboard.update_dashboard({"dashboard": again, "folderUid": "inner"})["version"] == 2
late = refused(GrafanaClientError, first.dashboard.update_dashboard, {"dashboard": again, "folderUid": "inner"})
assert (late.status_code, late.response["status"]) == (412, "version-mismatch"), late.response
assert first.dashboard.update_dashboard({"dashboard": again, "folderUid": "inner", "overwrite": True})["version"] == 3
refused(GrafanaBadInputError, first.dashboard.update_dashboard, {"dashboard": {"title": ""}})
foreign = {"dashboard": {"id": 4711, "uid": "foreign", "title": "An id of nobody"}}
assert refused(GrafanaClientError, first.dashboard.update_dashboard, foreign).status_code == 404

# Data sources: secrets go in and never come out.
source = {"uid": "prom", "name": "Prom", "type": "prometheus", "access": "proxy", "url": "http://prom:9090"}
secret = {"basicAuth": True, "basicAuthUser": "u", "secureJsonData": {"basicAuthPassword": "hidden"}}
made = first.datasource.create_datasource({**source, **secret})
assert made["datasource"]["uid"] == "prom" and "hidden" not in json.dumps(made), made
assert refused(GrafanaClientError, first.datasource.create_datasource, {**source, "uid": "other"}).status_code == 409
changed = first.datasource.update_datasource_by_uid("prom", {**source, "url": "http://prom:9091"})
assert changed["datasource"]["url"] == "http://prom:9091", changed
told = first.datasource.get_datasource_by_uid("prom")
assert told["secureJsonFields"] == {"basicAuthPassword": True} and "hidden" not in json.dumps(told), told
assert first.datasource.health("prom")["status"] == "OK"
assert refused(GrafanaClientError, first.datasource.get_datasource_by_uid, "none").status_code == 404

# Annotations: a moment that becomes a region.
noted = first.annotations.add_annotation(dashboard_uid="by-client", time_from=1_000, tags=["a"], text="begins")
first.annotations.partial_update_annotation(noted["id"], time_to=2_000, text="ended")
refused(GrafanaBadInputError, first.annotations.add_annotation, text="")
assert refused(GrafanaClientError, first.annotations.partial_update_annotation, 99, text="x").status_code == 404

# Another organization does not see it.
assert refused(GrafanaClientError, admin.dashboard.get_dashboard, "by-client").status_code == 404
assert admin.search.search_dashboards() == []

# Searching, in pages.
for index in range(5):
    first.dashboard.update_dashboard({"dashboard": {"uid": f"many-{index}", "title": f"Many {index}", "tags": ["many"]}})
pages = [first.search.search_dashboards(tag="many", type_="dash-db", limit=2, page=page) for page in (1, 2, 3, 4)]
assert [len(page) for page in pages] == [2, 2, 1, 0], pages
assert {one["uid"] for page in pages for one in page} == {f"many-{index}" for index in range(5)}
assert [one["type"] for one in first.search.search_dashboards(type_="dash-folder")] == ["dash-folder"] * 2
assert [one["uid"] for one in first.search.search_dashboards(query="a client")] == ["by-client"]

# Deleting.
first.dashboard.delete_dashboard("many-0")
assert refused(GrafanaClientError, first.dashboard.delete_dashboard, "many-0").status_code == 404

print(json.dumps({"uid": "by-client", "version": 3, "many": 4}))
