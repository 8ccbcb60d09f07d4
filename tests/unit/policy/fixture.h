/* Policies over sources made in memory. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "reputation/source_writer.h"

/* One entry: a name, a URL (with "://") or a network, by its look. */
struct entry {
    const char *source, *text;
    uint8_t flags;
    enum category category;
    const char *family, *group;
    struct str types;
    enum record_trigger trigger;
    enum record_answer answer;
    struct str data;
};

static inline struct indicator indicator_of(const struct entry *entry)
{
    struct indicator indicator = {.record = {.category = entry->category,
                                             .risk = RISK_HIGH,
                                             .confidence = 80,
                                             .flags = entry->flags,
                                             .first_seen = 1000,
                                             .last_seen = 2000,
                                             .family = str_of(entry->family),
                                             .group = str_of(entry->group),
                                             .types = entry->types,
                                             .trigger = entry->trigger,
                                             .answer = entry->answer,
                                             .data = entry->data}};
    if (strstr(entry->text, "://")) {
        indicator.kind = INDICATOR_URL;
        indicator.url = str_of(entry->text);
    } else if (network_parse(str_of(entry->text), &indicator.network) == ST_OK) {
        indicator.kind = INDICATOR_NETWORK;
    } else {
        indicator.kind = INDICATOR_NAME;
        assert_int_equal(dname_from_text(str_of(entry->text), &indicator.name), ST_OK);
    }
    return indicator;
}

static inline void add_source(struct store *store, const char *name, const struct entry *entries, size_t count)
{
    struct source_writer_settings settings = {.name = name, .format = "test", .category = CATEGORY_C2};
    struct source_writer *writer;
    struct source *source;
    struct fault fault = {0};
    assert_int_equal(source_writer_new(&settings, &writer), ST_OK);
    for (size_t i = 0; i < count; i++) {
        struct indicator indicator = indicator_of(&entries[i]);
        if (!strcmp(entries[i].source, name))
            assert_int_equal(source_writer_add(writer, &indicator), ST_OK);
    }
    if (source_writer_finish_memory(writer, &source, &fault) != ST_OK)
        fail_msg("%s", fault.text);
    source_writer_free(writer);
    assert_int_equal(store_add_own(store, source), ST_OK);
}

static inline struct policy_settings default_settings(void)
{
    struct policy_settings settings = {
        .default_group = {.name = "default", .names = PART_BLOCK, .urls = PART_BLOCK, .addresses = PART_LOG}};
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        settings.categories[i] = ACTION_BLOCK;
    settings.categories[CATEGORY_SUSPICIOUS] = ACTION_LOG;
    settings.categories[CATEGORY_ADS] = ACTION_ALLOW;
    return settings;
}

/* The sources are made in the order in which the entries name them. */
static inline struct policy *policy_over(const struct policy_settings *settings, const struct entry *entries,
                                         size_t count)
{
    struct store *store = store_new();
    struct policy *policy;
    for (size_t i = 0; i < count; i++) {
        bool made = false;
        for (size_t k = 0; k < i; k++)
            made = made || !strcmp(entries[k].source, entries[i].source);
        if (!made)
            add_source(store, entries[i].source, entries, count);
    }
    assert_int_equal(policy_new_own(settings, store, &policy), ST_OK);
    return policy;
}

/* A name, a URL (with "://") or an address. */
static inline void decide(struct policy *policy, const char *client, const char *text, struct verdict *verdict)
{
    struct policy_reader *reader;
    struct subject subject = {.kind = SUBJECT_NAME};
    struct dname name;
    const char *host = strstr(text, "://");
    assert_int_equal(addr_parse_ip(str_of(client), &subject.client), ST_OK);
    if (host) {
        size_t n = strcspn(host + 3, "/");
        subject.kind = SUBJECT_URL;
        subject.port = 80;
        subject.host = (struct str){host + 3, n};
        subject.path = str_of(host + 3 + n);
    } else if (addr_parse_ip(str_of(text), &subject.addr) == ST_OK) {
        subject.kind = SUBJECT_ADDRESS;
    } else {
        assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
        subject.name = &name;
    }
    memset(verdict, 0x55, sizeof *verdict); /* nothing may be relied on from before */
    assert_int_equal(policy_reader_new(policy, &reader), ST_OK);
    policy_decide(reader, &subject, verdict);
    policy_reader_free(reader);
}
