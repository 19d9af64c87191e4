// SPDX-License-Identifier: MIT
// The plug `readings` in C: counts readings of sensors, and records them in the plug that monitors.
// docs/writing-plugs.md says how it is built; wit-bindgen generates readings.h and readings.c from
// the world.
//
// The functions whose names begin with `exports_` are what a plug exports. This one answers at once,
// so that it never has a job for a server: take, run and complete have nothing to do.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "readings.h"

typedef readings_string_t text_t;
typedef plugpipe_monitoring_types_error_t error_t;
typedef exports_plugpipe_plug_plug_answer_t answer_t;
typedef exports_plugpipe_plug_plug_request_t request_t;
typedef exports_plugpipe_plug_hosting_step_t step_t;
typedef exports_plugpipe_plug_hosting_moment_t moment_t;

// All that this plug keeps. The host journals each call that changes it and snapshots it now and
// then, so that it survives a crash.
static uint64_t readings = 0;

// Why a request is not carried out; `code` is NULL while there is no reason.
static struct {
  const char *code;
  char message[1024];
} problem;

static bool fail(const char *code, const char *format, const char *at, const text_t *about) {
  problem.code = code;
  char part[512];
  snprintf(part, sizeof part, "%.*s", about ? (int)about->len : 0, about ? (const char *)about->ptr : "");
  snprintf(problem.message, sizeof problem.message, format, at, part);
  return false;
}

// What a call allocates is freed at its end.
static void *scratch[4096];
static size_t scratched = 0;

static void *keep(size_t size) {
  void *memory = scratched < sizeof scratch / sizeof *scratch ? malloc(size ? size : 1) : NULL;
  // The host starts the plug afresh, with what was acknowledged.
  if (memory == NULL) abort();
  scratch[scratched++] = memory;
  return memory;
}

static void free_scratch(void) {
  while (scratched > 0) free(scratch[--scratched]);
}

// A reader of JSON, as far as requests need it. The text ends with a NUL, at which all of it stops.

static const char *blank(const char *at) {
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
  return at;
}

static const char *after_string(const char *at) {
  for (at++; *at && *at != '"'; at++) {
    if (*at == '\\' && at[1]) at++;
  }
  return *at ? at + 1 : at;
}

static const char *after_value(const char *at) {
  at = blank(at);
  if (*at == '"') return after_string(at);
  if (*at != '{' && *at != '[') {
    while (*at && !strchr(",]}", *at)) at++;
    return at;
  }
  int depth = 0;
  while (*at) {
    if (*at == '"') {
      at = after_string(at);
      continue;
    }
    if (*at == '{' || *at == '[') depth++;
    if (*at == '}' || *at == ']') depth--;
    at++;
    if (depth == 0) break;
  }
  return at;
}

static unsigned hex(const char *at) {
  char digits[5] = {0};
  memcpy(digits, at, strnlen(at, 4));
  return (unsigned)strtoul(digits, NULL, 16);
}

static size_t utf8(unsigned code, uint8_t *to) {
  if (code < 0x80) return to[0] = (uint8_t)code, 1;
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  to[0] = (uint8_t)((0xf00u >> more) | (code >> (6 * more)));
  for (size_t index = 1; index <= more; index++) {
    to[index] = (uint8_t)(0x80 | ((code >> (6 * (more - index))) & 0x3f));
  }
  return more + 1;
}

// The string at this place; false if there is none.
static bool string(const char *at, text_t *found) {
  if (at == NULL || *at != '"') return false;
  const char *end = after_string(at) - 1;
  found->ptr = keep((size_t)(end - at) + 1);
  found->len = 0;
  for (at++; at < end; at++) {
    if (*at != '\\') {
      found->ptr[found->len++] = (uint8_t)*at;
      continue;
    }
    const char *escapes = "b\bf\fn\nr\rt\t", *known = strchr(escapes, *++at);
    if (*at == 'u') {
      unsigned code = hex(at + 1);
      at += 4;
      if (code >= 0xd800 && code < 0xdc00 && at[1] == '\\' && at[2] == 'u') {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex(at + 3) - 0xdc00);
        at += 6;
      }
      found->len += utf8(code, found->ptr + found->len);
    } else {
      found->ptr[found->len++] = (uint8_t)(known ? known[1] : *at);
    }
  }
  return true;
}

// The next member of an object: its name and value. `*at` is at its `{` first.
static bool next_member(const char **at, text_t *name, const char **value) {
  const char *place = blank(*at);
  if (*place != '{' && *place != ',') return false;
  place = blank(place + 1);
  if (!string(place, name)) return false;
  place = blank(after_string(place));
  if (*place != ':') return false;
  *value = blank(place + 1);
  *at = blank(after_value(*value));
  return true;
}

// The value of a member, or NULL.
static const char *member(const char *object, const char *wanted) {
  text_t name;
  const char *value, *at = blank(object);
  while (next_member(&at, &name, &value)) {
    if (name.len == strlen(wanted) && memcmp(name.ptr, wanted, name.len) == 0) return value;
  }
  return NULL;
}

static bool number(const char *at, double *found) {
  if (at == NULL || (*at != '-' && (*at < '0' || *at > '9'))) return false;
  *found = strtod(at, NULL);
  return true;
}

static bool is(const text_t *text, const char *word) {
  return text->len == strlen(word) && memcmp(text->ptr, word, text->len) == 0;
}

// The fields of requests.

static bool text_field(const char *ctx, const char *name, const char *expected, text_t *found) {
  text_t about = {(uint8_t *)expected, strlen(expected)};
  return string(member(ctx, name), found) || fail("invalid_input", "%s: expected %s", name, &about);
}

static bool numbers_field(const char *ctx, const char *name, readings_list_f64_t *found) {
  const char *at = member(ctx, name);
  found->len = 0;
  if (at == NULL || *at != '[') return fail("invalid_input", "%s: expected a list of numbers%s", name, NULL);
  found->ptr = keep(strlen(at) * sizeof(double));
  at = blank(at + 1);
  while (*at != ']') {
    if (!number(at, found->ptr + found->len++)) {
      return fail("invalid_input", "%s: expected a list of numbers%s", name, NULL);
    }
    at = blank(after_value(at));
    if (*at == ',') at = blank(at + 1);
  }
  return true;
}

static bool labels_field(const char *ctx, plugpipe_monitoring_metrics_list_label_t *found) {
  const char *value, *at = member(ctx, "labels");
  found->len = 0;
  found->ptr = keep(at ? strlen(at) * sizeof *found->ptr : 0);
  if (at == NULL) return true;
  bool fits = *at == '{';
  plugpipe_monitoring_types_label_t label;
  while (fits && next_member(&at, &label.name, &value)) {
    fits = string(value, &label.value);
    found->ptr[found->len++] = label;
  }
  return fits || fail("invalid_input", "%s: expected an object with texts%s", "labels", NULL);
}

// What an error of `plugpipe:monitoring` is to the caller.
static bool refused(error_t *error, const char *at) {
  // In the order of its cases, each of which holds a text.
  static const char *codes[] = {"invalid_input", "conflict",    "limit_reached", "not_configured",
                                "not_granted",   "unreachable", "refused",       "unsupported"};
  fail(codes[error->tag], "%s%s", at, &error->val.invalid_input);
  plugpipe_monitoring_types_error_free(error);
  return false;
}

// One reading, by name.
static bool record(const char *ctx, size_t *count) {
  // In the order of the enum.
  static const char *kinds[] = {"counter", "gauge",     "histogram",       "native_histogram", "summary",
                                "info",    "state_set", "gauge_histogram", "unknown"};
  text_t kind, name;
  plugpipe_monitoring_metrics_list_label_t labels;
  if (!text_field(ctx, "kind", "a kind, such as gauge", &kind)) return false;
  size_t known = 0, all = sizeof kinds / sizeof *kinds;
  while (known < all && !is(&kind, kinds[known])) known++;
  if (known == all) {
    return fail("invalid_input", "%s: %s is unknown; expected one such as counter or gauge", "kind", &kind);
  }
  if (!text_field(ctx, "metric", "a metric's name", &name) || !labels_field(ctx, &labels)) return false;
  double value;
  if (!number(member(ctx, "value"), &value)) return fail("invalid_input", "%s: expected a number%s", "value", NULL);
  uint32_t series;
  error_t error;
  *count = 1;
  return plugpipe_monitoring_metrics_record(&name, (uint8_t)known, &labels, value, &series, &error) || refused(&error, "");
}

// Many readings at once, by handle, in a histogram.
static bool observe(const char *ctx, size_t *count) {
  plugpipe_monitoring_metrics_definition_t definition = {0};
  plugpipe_monitoring_metrics_list_label_t labels;
  readings_list_f64_t values;
  if (!text_field(ctx, "metric", "a metric's name", &definition.name)) return false;
  if (!labels_field(ctx, &labels) || !numbers_field(ctx, "values", &values)) return false;
  if (!numbers_field(ctx, "bounds", &definition.buckets.val)) return false;
  definition.buckets.is_some = true;
  definition.kind = PLUGPIPE_MONITORING_TYPES_METRIC_KIND_HISTOGRAM;
  definition.label_names.ptr = keep(labels.len * sizeof(text_t));
  definition.label_names.len = labels.len;
  for (size_t index = 0; index < labels.len; index++) definition.label_names.ptr[index] = labels.ptr[index].name;
  uint32_t family, series;
  error_t error;
  if (!plugpipe_monitoring_metrics_register(&definition, &family, &error)) return refused(&error, "");
  if (!plugpipe_monitoring_metrics_series_of(family, &labels, &series, &error)) return refused(&error, "");
  plugpipe_monitoring_metrics_list_series_t many = {keep(values.len * sizeof(uint32_t)), values.len};
  for (size_t index = 0; index < many.len; index++) many.ptr[index] = series;
  plugpipe_monitoring_metrics_rejection_t rejection;
  *count = values.len;
  if (plugpipe_monitoring_metrics_record_many(&many, &values, &rejection)) return true;
  char at[32];
  snprintf(at, sizeof at, "values[%u]: ", (unsigned)rejection.index);
  return refused(&rejection.error, at);
}

static bool call(const text_t *given) {
  char *ctx = keep(given->len + 1);
  memcpy(ctx, given->ptr, given->len);
  ctx[given->len] = '\0';
  text_t operation;
  size_t count = 0;
  if (!string(member(ctx, "operation"), &operation)) operation = (text_t){0};
  if (is(&operation, "record") ? record(ctx, &count) : is(&operation, "observe") && observe(ctx, &count)) {
    readings += count;
    return true;
  }
  return problem.code != NULL ||
         fail("invalid_input", "%s: is unknown; expected one of record, observe%s", "operation", NULL);
}

// Answers a request; returns whether the state changed.
static bool answer(request_t *what, answer_t *told) {
  bool changed = what->tag == EXPORTS_PLUGPIPE_PLUG_PLUG_REQUEST_CLEANUP;
  char body[64] = "{}";
  memset(told, 0, sizeof *told);
  problem.code = NULL;
  if (changed) readings = 0;
  // Nothing waits to be sent, and there are no servers to check.
  if (what->tag == EXPORTS_PLUGPIPE_PLUG_PLUG_REQUEST_CALL) {
    call(&what->val.call);
    changed = problem.code == NULL;
    snprintf(body, sizeof body, "{\"success\":true,\"readings\":%llu}", (unsigned long long)readings);
  }
  if (problem.code != NULL) {
    told->error.is_some = true;
    readings_string_dup(&told->error.val.code, problem.code);
    readings_string_dup(&told->error.val.message, problem.message);
    body[0] = '\0';
  }
  readings_string_dup(&told->body, body);
  exports_plugpipe_plug_plug_request_free(what);
  free_scratch();
  return changed;
}

void exports_plugpipe_plug_plug_describe(exports_plugpipe_plug_plug_description_t *ret) {
  static const char *operations[][2] = {{"record", "Records one reading"},
                                        {"observe", "Records many readings in a histogram"}};
  memset(ret, 0, sizeof *ret);
  readings_string_dup(&ret->name, "readings");
  readings_string_dup(&ret->version, "1.0.0");
  ret->operations.len = sizeof operations / sizeof *operations;
  ret->operations.ptr = calloc(ret->operations.len, sizeof *ret->operations.ptr);
  for (size_t index = 0; index < ret->operations.len; index++) {
    readings_string_dup(&ret->operations.ptr[index].name, operations[index][0]);
    readings_string_dup(&ret->operations.ptr[index].summary, operations[index][1]);
  }
}

bool exports_plugpipe_plug_plug_schema(text_t *operation, text_t *ret) {
  (void)ret;
  readings_string_free(operation);
  return false;
}

void exports_plugpipe_plug_plug_process(request_t *what, text_t *cfg, answer_t *ret) {
  readings_string_free(cfg);
  answer(what, ret);
}

void exports_plugpipe_plug_hosting_start(uint64_t ticket, request_t *what, text_t *cfg, moment_t *at, step_t *ret) {
  (void)at;
  readings_string_free(cfg);
  memset(ret, 0, sizeof *ret);
  ret->answers.len = 1;
  ret->answers.ptr = calloc(1, sizeof *ret->answers.ptr);
  ret->answers.ptr->f0 = ticket;
  ret->changed = answer(what, &ret->answers.ptr->f1);
}

bool exports_plugpipe_plug_hosting_take(text_t *lane, moment_t *at, exports_plugpipe_plug_hosting_job_t *ret) {
  (void)at, (void)ret;
  readings_string_free(lane);
  return false;
}

void exports_plugpipe_plug_hosting_run(readings_list_u8_t *job, exports_plugpipe_plug_hosting_result_of_run_t *ret) {
  readings_list_u8_free(job);
  memset(ret, 0, sizeof *ret);
}

void exports_plugpipe_plug_hosting_complete(text_t *lane, exports_plugpipe_plug_hosting_outcome_t *outcome,
                                            moment_t *at, step_t *ret) {
  (void)at;
  readings_string_free(lane);
  exports_plugpipe_plug_hosting_outcome_free(outcome);
  memset(ret, 0, sizeof *ret);
}

void exports_plugpipe_plug_hosting_release(uint64_t ticket, moment_t *at, step_t *ret) {
  (void)ticket, (void)at;
  memset(ret, 0, sizeof *ret);
}

bool exports_plugpipe_plug_hosting_configure(text_t *cfg, readings_list_string_t *ret,
                                             exports_plugpipe_plug_plug_problem_t *err) {
  (void)err;
  readings_string_free(cfg);
  memset(ret, 0, sizeof *ret);
  return true;
}

void exports_plugpipe_plug_state_snapshot(readings_list_u8_t *ret) {
  ret->len = sizeof readings;
  ret->ptr = malloc(ret->len);
  if (ret->ptr == NULL) abort();
  // WebAssembly is little-endian.
  memcpy(ret->ptr, &readings, ret->len);
}

bool exports_plugpipe_plug_state_restore(readings_list_u8_t *snapshot, text_t *err) {
  bool fits = snapshot->len == sizeof readings;
  if (fits) memcpy(&readings, snapshot->ptr, snapshot->len);
  else readings_string_dup(err, "it has not 8 bytes");
  readings_list_u8_free(snapshot);
  return fits;
}

void exports_plugpipe_plug_state_unfinished(exports_plugpipe_plug_state_tuple3_list_ticket_list_lane_list_due_t *ret) {
  memset(ret, 0, sizeof *ret);
}
