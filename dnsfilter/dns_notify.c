#include "dnsfilter/dns_notify.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dnsfilter/dns_answer.h"

struct entry {
    struct dns_notify_zone zone;
    atomic_bool heard;
};

struct dns_notify {
    atomic_uint references;
    size_t count;
    struct entry entries[];
};

struct dns_notify *dns_notify_new(const struct dns_notify_zone *zones, size_t count)
{
    struct dns_notify *notify = calloc(1, sizeof *notify + count * sizeof notify->entries[0]);
    if (!notify)
        return NULL;
    atomic_init(&notify->references, 1);
    notify->count = count;
    for (size_t i = 0; i < count; i++)
        notify->entries[i].zone = zones[i];
    return notify;
}

struct dns_notify *dns_notify_ref(struct dns_notify *notify)
{
    if (notify)
        atomic_fetch_add(&notify->references, 1);
    return notify;
}

void dns_notify_unref(struct dns_notify *notify)
{
    if (notify && atomic_fetch_sub(&notify->references, 1) == 1)
        free(notify);
}

static bool hear(struct dns_notify *notify, const struct dname *name, const struct addr *from)
{
    bool known = false;
    for (size_t i = 0; notify && i < notify->count; i++) {
        struct entry *entry = &notify->entries[i];
        if (!addr_same_ip(&entry->zone.primary, from) || !dname_equal(&entry->zone.name, name))
            continue;
        atomic_store(&entry->heard, true);
        known = true;
    }
    return known;
}

size_t dns_notify_answer(struct dns_notify *notify, const struct addr *from, const uint8_t *packet, size_t n,
                         struct dns_message *message, uint8_t *out, size_t size)
{
    const struct dns_question *question = &message->question;
    if (dns_notify_parse(packet, n, message) != ST_OK)
        return dns_answer_error(out, size, message, DNS_RCODE_FORMERR);
    if (question->type != DNS_TYPE_SOA || question->class != DNS_CLASS_IN || !hear(notify, &question->name, from))
        return dns_answer_error(out, size, message, DNS_RCODE_REFUSED);
    struct dns_build build = dns_build_response(out, size, message, DNS_RCODE_NOERROR);
    build.header.flags = (uint16_t)((build.header.flags & ~DNS_FLAG_RA) | DNS_FLAG_AA); /* RFC 1996 section 4.7 */
    if (message->edns.present)
        dns_build_opt(&build, DNS_UDP_LIMIT, message->edns.dnssec_ok, DNS_RCODE_NOERROR, -1, (struct str){0});
    return dns_build_finish(&build);
}

bool dns_notify_expects(const struct dns_notify *notify, const struct addr *from)
{
    for (size_t i = 0; notify && i < notify->count; i++)
        if (addr_same_ip(&notify->entries[i].zone.primary, from))
            return true;
    return false;
}

bool dns_notify_take(struct dns_notify *notify, size_t index)
{
    return atomic_exchange(&notify->entries[index].heard, false);
}
