/* The keys of a source's tables. Inside this folder only.
 *
 * A name's key has its labels from the root down, each with its length byte, without the root's: an ancestor's key is a
 * prefix of its descendants' keys, and whole subtrees lie together in sorted order. */
#pragma once

#include "base/addr.h"
#include "reputation/canonical.h"

enum { KEY_MAX_BYTES = 500, NETWORK_KEY_BYTES = 17 };

struct name_key {
    uint8_t bytes[DNAME_MAX_BYTES];
    uint8_t labels;
    uint8_t end[DNAME_MAX_LABELS + 1]; /* where the key of the ancestor with so many labels ends; end[0] is 0 */
};

/* NAME is in lower case. */
void name_key_from(const struct dname *name, struct name_key *key);
/* The host of a URL; an address is a single label with its text. */
void name_key_from_host(const struct canonical_url *url, struct name_key *key);

struct url_key {
    uint8_t bytes[KEY_MAX_BYTES];
    size_t length;
};

/* HOST (a name key), a zero byte, PATH with its query. A long one ends in the SHA-256 of the path instead. */
enum status url_key_from(const uint8_t *host, size_t host_length, struct str path, struct url_key *key) MUST_CHECK;

/* IP must have no bits past PREFIX. */
void network_key_from(const uint8_t ip[16], uint8_t prefix, uint8_t key[NETWORK_KEY_BYTES]);

/* The shortest prefix that is looked up: an IPv6 network says nothing about IPv4. */
static inline int network_shortest(const struct addr *addr)
{
    return addr_is_v4(addr) ? 96 : 0;
}
