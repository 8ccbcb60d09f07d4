/* A state directory of its own, callbacks to record, and the log read back. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "callbacks/log_file.h"
#include "callbacks/recorder.h"

struct fixture {
    char dir[64];
    struct incidents *incidents;
    struct collector *collector;
    struct recorder *recorder;
    json_t **lines; /* of callbacks.jsonl, by fixture_read() */
    size_t line_count;
};

static const int64_t fixture_start_ms = 1769860800000; /* 2026-01-31T12:00:00Z */

static inline struct collector_settings fixture_settings(struct fixture *fixture)
{
    return (struct collector_settings){.state_dir = fixture->dir,
                                       .rotate_bytes = 64 << 20,
                                       .rotate_keep = 3,
                                       .max_lines_per_s = 500,
                                       .incidents = fixture->incidents};
}

static inline void fixture_open(struct fixture *fixture, const struct collector_settings *settings)
{
    struct fault fault = {0};
    assert_int_equal(collector_open(settings, &fixture->collector, &fault), ST_OK);
    assert_int_equal(collector_add_recorder(fixture->collector, &fixture->recorder), ST_OK);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct fault fault = {0};
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/ccward-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    assert_int_equal(incidents_open(NULL, &fixture->incidents, &fault), ST_OK);
    clock_fake(1000, fixture_start_ms);
    struct collector_settings settings = fixture_settings(fixture);
    fixture_open(fixture, &settings);
    *state = fixture;
    return 0;
}

static inline void fixture_forget(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->line_count; i++)
        json_decref(fixture->lines[i]);
    free(fixture->lines);
    fixture->lines = NULL;
    fixture->line_count = 0;
}

static inline void fixture_close(struct fixture *fixture)
{
    collector_close(fixture->collector);
    fixture->collector = NULL;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    fixture_close(fixture);
    incidents_close(fixture->incidents);
    fixture_forget(fixture);
    clock_real();
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static inline void set_text(char *out, size_t size, const char *text)
{
    text_copy(out, size, str_of(text));
}

/* A query for SUBJECT by 192.0.2.CLIENT, blocked by the entry INDICATOR. */
static inline struct callback a_callback(unsigned client, const char *indicator, const char *subject)
{
    struct callback callback = {.time_ms = clock_wall_ms(),
                                .client = addr_v4(0xc0000200 + client, 4321),
                                .local = addr_v4(0x7f000001, 53),
                                .udp = true,
                                .channel = CHANNEL_DNS,
                                .match = MATCH_QNAME,
                                .count = 1};
    struct verdict *verdict = &callback.verdict;
    *verdict = (struct verdict){
        .action = ACTION_BLOCK, .matched = true, .kind = INDICATOR_NAME, .category = CATEGORY_C2, .risk = RISK_HIGH};
    set_text(callback.subject, sizeof callback.subject, subject);
    set_text(verdict->group, sizeof verdict->group, "home");
    set_text(verdict->indicator, sizeof verdict->indicator, indicator);
    set_text(verdict->family, sizeof verdict->family, "Emotet");
    set_text(verdict->sources, sizeof verdict->sources, "feed-a,feed-b");
    for (const char *at = indicator; *at; at++)
        verdict->indicator_id = verdict->indicator_id * 31 + (unsigned char)*at;
    return callback;
}

static inline void record(struct fixture *fixture, unsigned client, const char *indicator, const char *subject)
{
    struct callback callback = a_callback(client, indicator, subject);
    recorder_record(fixture->recorder, &callback);
}

static inline void step_after(struct fixture *fixture, int64_t ms)
{
    clock_fake_advance(ms);
    collector_step(fixture->collector);
}

static inline void fixture_read_file(struct fixture *fixture, const char *name)
{
    char path[128], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    FILE *file = fopen(path, "re");
    fixture_forget(fixture);
    if (!file)
        return;
    while (getline(&line, &room, file) > 0) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (!object)
            fail_msg("%s: %s", error.text, line);
        fixture->lines = realloc(fixture->lines, (fixture->line_count + 1) * sizeof *fixture->lines);
        fixture->lines[fixture->line_count++] = object;
    }
    free(line);
    fclose(file);
}

static inline void fixture_read(struct fixture *fixture)
{
    fixture_read_file(fixture, LOG_FILE_NAME);
}

static inline json_t *field(const struct fixture *fixture, size_t line, const char *key)
{
    assert_true(line < fixture->line_count);
    return json_object_get(fixture->lines[line], key);
}

static inline const char *text(const struct fixture *fixture, size_t line, const char *key)
{
    return json_string_value(field(fixture, line, key));
}

static inline long long count_of(const struct fixture *fixture, size_t line)
{
    return json_integer_value(field(fixture, line, "count"));
}

static inline long long sum_of(const struct fixture *fixture)
{
    long long sum = 0;
    for (size_t i = 0; i < fixture->line_count; i++)
        sum += count_of(fixture, i);
    return sum;
}
