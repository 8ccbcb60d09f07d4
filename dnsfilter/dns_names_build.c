/* Making a snapshot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsfilter/dns_clean.h"
#include "dnsfilter/dns_names_parts.h"

static const uint8_t *last_label(const struct dname *lower)
{
    const uint8_t *label = lower->wire;
    while (label[0] && label[label[0] + 1])
        label += label[0] + 1;
    return label;
}

static struct name_table_entry *add_tree(struct dns_names *names, const struct dname *name)
{
    struct dname lower = *name;
    dname_lower(&lower);
    unsigned bit = names_top_bit(last_label(&lower));
    names->tops[bit / 64] |= 1ull << bit % 64;
    return name_table_add(&names->trees, &lower);
}

static bool add_special(struct dns_names *names, const struct dname *name, const struct dns_special *special)
{
    struct name_table_entry *entry = add_tree(names, name);
    if (!entry || names->special_count == NAMES_MAX_SPECIALS)
        return false;
    names->specials[names->special_count++] = special;
    entry->parts[TREE_SPECIAL] = (uint32_t)names->special_count;
    return true;
}

static bool add_switched(struct dns_names *names, bool wanted, const char *text, const struct dns_special *special)
{
    struct dname name;
    return !wanted || (dname_from_text(str_of(text), &name) == ST_OK && add_special(names, &name, special));
}

static bool add_specials(struct dns_names *names, const struct dns_names_settings *settings)
{
    struct dname name;
    const struct dns_special *special;
    bool ok = add_switched(names, settings->firefox_canary, "use-application-dns.net", &dns_special_canary) &&
              add_switched(names, settings->block_private_relay, "mask.icloud.com", &dns_special_private_relay) &&
              add_switched(names, settings->block_private_relay, "mask-h2.icloud.com", &dns_special_private_relay);
    for (size_t i = 0; ok && (special = dns_special_at(i, &name)); i++)
        ok = add_special(names, &name, special);
    return ok;
}

static bool mark(struct dns_names *names, const struct dname *domains, size_t count, enum tree_part part)
{
    for (size_t i = 0; i < count; i++) {
        struct name_table_entry *entry = add_tree(names, &domains[i]);
        if (!entry)
            return false;
        entry->parts[part] = 1;
    }
    return true;
}

/* Puts ADDR behind those at *FIRST, each once. */
static bool add_address(struct dns_names *names, uint32_t *first, const struct addr *addr, bool own)
{
    struct name_address address = {.own = own};
    uint32_t last = 0;
    unsigned count = 0;
    memcpy(address.ip, addr->ip, sizeof address.ip);
    for (uint32_t at = *first; at; last = at, at = names_address(names, at)->next, count++)
        if (!memcmp(names_address(names, at)->ip, address.ip, sizeof address.ip))
            return true;
    if (count == NAMES_MAX_ADDRESSES)
        return true;
    buf_add(&names->addresses, &address, sizeof address);
    if (names->addresses.failed)
        return false;
    uint32_t at = (uint32_t)(names->addresses.length / sizeof address);
    if (last)
        names_address(names, last)->next = at;
    else
        *first = at;
    return true;
}

/* RFC 1035 section 3.5, RFC 3596 section 2.5. */
static void reverse_name(const struct addr *addr, struct dname *name)
{
    static const uint8_t v4_end[] = "\7in-addr\4arpa", v6_end[] = "\3ip6\4arpa"; /* each with the root's zero */
    uint8_t bytes[DNAME_MAX_BYTES];
    struct wire wire = wire_into(bytes, sizeof bytes);
    bool v4 = addr_is_v4(addr);
    for (size_t i = 16; i-- > (v4 ? 12 : 0);) {
        char text[4];
        int n = v4 ? snprintf(text, sizeof text, "%u", addr->ip[i]) : 0;
        if (v4) {
            wire_u8(&wire, (uint8_t)n);
            wire_bytes(&wire, text, (size_t)n);
            continue;
        }
        wire_u8(&wire, 1);
        wire_u8(&wire, (uint8_t) "0123456789abcdef"[addr->ip[i] & 15]);
        wire_u8(&wire, 1);
        wire_u8(&wire, (uint8_t) "0123456789abcdef"[addr->ip[i] >> 4]);
    }
    wire_bytes(&wire, v4 ? v4_end : v6_end, v4 ? sizeof v4_end : sizeof v6_end);
    (void)!dname_from_wire(bytes, wire_length(&wire), name);
}

/* The first name that an address is given is the one that it leads to. */
static bool add_pointer(struct dns_names *names, const struct addr *addr, const struct dname *to, bool own)
{
    struct dname name;
    if (addr_is_unspecified(addr))
        return true; /* it stands for "nowhere" */
    reverse_name(addr, &name);
    struct name_table_entry *entry = name_table_add(&names->exact, &name);
    if (!entry)
        return false;
    if (entry->parts[EXACT_POINTER])
        return true;
    if (own)
        entry->parts[EXACT_FLAGS] |= EXACT_OWN_POINTER;
    return (entry->parts[EXACT_POINTER] = name_table_keep(&names->exact, to));
}

static bool add_host(struct dns_names *names, const struct dns_names_host *host)
{
    struct name_table_entry *entry =
        host->below ? add_tree(names, &host->name) : name_table_add(&names->exact, &host->name);
    if (!entry)
        return false;
    if (host->below)
        return add_address(names, &entry->parts[TREE_ADDRESSES], &host->addr, false);
    entry->parts[EXACT_FLAGS] |= EXACT_CONFIGURED;
    return add_address(names, &entry->parts[EXACT_ADDRESSES], &host->addr, false) &&
           add_pointer(names, &host->addr, &host->name, false);
}

static bool take_from_file(void *arg, const struct addr *addr, const struct dname *name, bool first)
{
    struct dns_names *names = arg;
    bool own = addr_is_loopback(addr);
    struct name_table_entry *entry = name_table_add(&names->exact, name);
    if (!entry)
        return false;
    if (entry->parts[EXACT_FLAGS] & EXACT_CONFIGURED)
        return true;
    return add_address(names, &entry->parts[EXACT_ADDRESSES], addr, own) &&
           (!first || add_pointer(names, addr, name, own));
}

static bool add_alias(void *arg, const struct dname *name, const struct dname *target)
{
    struct dns_names *names = arg;
    struct name_table_entry *entry = name_table_add(&names->exact, name);
    uint32_t kept = entry ? name_table_keep(&names->exact, target) : 0;
    if (!kept)
        return false;
    entry->parts[EXACT_ALIAS] = kept;
    return true;
}

static bool add_loopback_pointers(struct dns_names *names)
{
    static const struct dname localhost = {11, 1, "\011localhost"};
    static const struct addr v6 = {.ip = {[15] = 1}};
    struct addr v4 = addr_v4(0x7f000001, 0);
    return add_pointer(names, &v4, &localhost, false) && add_pointer(names, &v6, &localhost, false);
}

static bool fill(struct dns_names *names, const struct dns_names_settings *settings, struct hosts_file_facts *facts)
{
    names->clean = (settings->rebinding_protection ? DNS_CLEAN_PRIVATE : 0) |
                   (settings->strip_ech ? DNS_CLEAN_ECH : 0) | (settings->strip_h3 ? DNS_CLEAN_H3 : 0);
    if (!add_specials(names, settings) ||
        !mark(names, settings->forwarded, settings->forwarded_count, TREE_FORWARDED) ||
        !mark(names, settings->rebinding_allowed, settings->rebinding_allowed_count, TREE_PRIVATE))
        return false;
    for (size_t i = 0; i < settings->host_count; i++)
        if (!add_host(names, &settings->hosts[i]))
            return false;
    return dns_safe_search_each(settings->safe_search, settings->youtube, add_alias, names) &&
           add_loopback_pointers(names) && hosts_file_read(settings->hosts_file, take_from_file, names, facts);
}

struct dns_names *dns_names_new(const struct dns_names_settings *settings, struct hosts_file_facts *facts)
{
    struct dns_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    atomic_init(&names->references, 1);
    if (fill(names, settings, facts))
        return names;
    dns_names_unref(names);
    return NULL;
}

struct dns_names *dns_names_ref(struct dns_names *names)
{
    if (names)
        atomic_fetch_add(&names->references, 1);
    return names;
}

void dns_names_unref(struct dns_names *names)
{
    if (!names || atomic_fetch_sub(&names->references, 1) != 1)
        return;
    name_table_free(&names->exact);
    name_table_free(&names->trees);
    buf_free(&names->addresses);
    free(names);
}
