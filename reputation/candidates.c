#include "reputation/candidates.h"

#include <stdio.h>
#include <string.h>

#include "reputation/embedded_v4.h"
#include "reputation/key.h"
#include "reputation/store_reader.h"
#include "reputation/url_expression.h"

void candidates_of_name(const struct store_reader *reader, const struct dname *name, candidate_fn *tell, void *context)
{
    char text[DNAME_TEXT_SIZE];
    struct dname part;
    bool single_labels = false;
    for (size_t i = 0; i < reader->count; i++)
        single_labels |= reader->lanes[i].single_labels;
    for (unsigned at = 0; name->length && name->wire[at]; at += name->wire[at] + 1u) {
        if (dname_from_wire(name->wire + at, name->length - at, &part) != ST_OK)
            return;
        dname_to_text(&part, text);
        if (part.labels > 1 || single_labels)
            tell(context, text);
    }
}

void candidates_of_url(const struct canonical_url *url, candidate_fn *tell, void *context)
{
    char text[CANONICAL_TEXT_MAX + 1];
    struct name_key key;
    unsigned skips[URL_MAX_HOSTS];
    size_t lengths[URL_MAX_PATHS];
    name_key_from_host(url, &key);
    size_t hosts = url_host_skips(url, key.labels, skips), paths = url_path_lengths(url, lengths);
    for (size_t h = 0; h < hosts; h++) {
        struct str host = url->host, dropped;
        for (unsigned skip = skips[h]; skip; skip--)
            (void)str_cut(host, '.', &dropped, &host);
        for (size_t p = 0; p < paths; p++) {
            snprintf(text, sizeof text, "%.*s%.*s", (int)host.length, host.data, (int)lengths[p], url->path.data);
            tell(context, text);
        }
    }
}

static void networks_around(const struct store_reader *reader, const struct addr *addr, candidate_fn *tell,
                            void *context)
{
    char text[ADDR_TEXT_SIZE];
    struct network network;
    memcpy(network.ip, addr->ip, sizeof network.ip);
    for (int prefix = 128; prefix >= network_shortest(addr); prefix--) {
        bool in_use = false;
        for (size_t i = 0; i < reader->count; i++)
            in_use |= source_has_prefix(reader->lanes[i].header->prefixes, (unsigned)prefix);
        if (!in_use)
            continue;
        network.prefix = (uint8_t)prefix;
        network_mask(network.ip, network.prefix);
        if (prefix < 128)
            network_format(&network, text);
        else
            addr_format_ip(addr, text);
        tell(context, text);
    }
}

void candidates_of_addr(const struct store_reader *reader, const struct addr *addr, candidate_fn *tell, void *context)
{
    struct addr v4[EMBEDDED_V4_MAX];
    size_t embedded = embedded_v4(addr, v4);
    networks_around(reader, addr, tell, context);
    for (size_t i = 0; i < embedded; i++)
        networks_around(reader, &v4[i], tell, context);
}
