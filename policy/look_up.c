/* What the store has of a subject. */
#include "policy/policy_parts.h"

#include "base/clock.h"

static void look_up_name(struct policy_reader *reader, enum record_trigger trigger, const struct dname *name,
                         uint32_t now_s)
{
    struct found *found = &reader->found[LOOK_NAME];
    reader->name = *name;
    dname_lower(&reader->name);
    found->count = store_find_trigger_name(reader->store, trigger, &reader->name, now_s, found->hits, STORE_MAX_HITS);
}

static void look_up_address(struct policy_reader *reader, enum record_trigger trigger, const struct addr *addr,
                            uint32_t now_s)
{
    struct found *found = &reader->found[trigger == TRIGGER_CLIENT ? LOOK_CLIENT : LOOK_ADDRESS];
    reader->addr = *addr;
    found->count = store_find_trigger_addr(reader->store, trigger, &reader->addr, now_s, found->hits, STORE_MAX_HITS);
}

static void look_up_url(struct policy_reader *reader, const struct subject *subject, const struct policy_group *group,
                        uint32_t now_s)
{
    struct canonical_url *url = &reader->url;
    struct found *found = &reader->found[LOOK_URL];
    struct str path = subject->path.length ? subject->path : STR("/");
    /* A path that has no canonical form, such as one that is too long, does not hide its host. */
    if (canonical_url_parts(subject->host, subject->port, path, url) != ST_OK &&
        canonical_url_parts(subject->host, subject->port, STR("/"), url) != ST_OK)
        return;
    if (group->urls != PART_OFF)
        found->count = store_find_url(reader->store, url, now_s, found->hits, STORE_MAX_HITS);
    if (url->host_is_address && group->addresses != PART_OFF) {
        struct addr addr = url->addr;
        addr.port = subject->port;
        look_up_address(reader, TRIGGER_SUBJECT, &addr, now_s);
    } else if (!url->host_is_address && group->names != PART_OFF) {
        look_up_name(reader, TRIGGER_SUBJECT, &url->name, now_s);
    }
}

static enum record_trigger trigger_of(enum subject_kind kind)
{
    switch (kind) {
    case SUBJECT_CLIENT:
        return TRIGGER_CLIENT;
    case SUBJECT_NS_NAME:
        return TRIGGER_NS_NAME;
    case SUBJECT_NS_ADDRESS:
        return TRIGGER_NS_ADDRESS;
    default:
        return TRIGGER_SUBJECT;
    }
}

void policy_look_ahead(struct policy_reader *reader, const struct dname *names, size_t count)
{
    store_look_ahead(reader->store, names, count);
}

void policy_look_up(struct policy_reader *reader, const struct subject *subject, const struct policy_group *group)
{
    uint32_t now_s = (uint32_t)(clock_wall_ms() / 1000);
    for (enum look look = 0; look < LOOK_COUNT; look++)
        reader->found[look].count = 0;
    switch (subject->kind) {
    case SUBJECT_NAME:
    case SUBJECT_NS_NAME:
        if (group->names != PART_OFF)
            look_up_name(reader, trigger_of(subject->kind), subject->name, now_s);
        break;
    case SUBJECT_URL:
        look_up_url(reader, subject, group, now_s);
        break;
    case SUBJECT_ADDRESS:
    case SUBJECT_NS_ADDRESS:
        if (group->addresses != PART_OFF)
            look_up_address(reader, trigger_of(subject->kind), &subject->addr, now_s);
        break;
    case SUBJECT_CLIENT:
        if (group->names != PART_OFF)
            look_up_address(reader, TRIGGER_CLIENT, &subject->client, now_s);
        break;
    }
}
