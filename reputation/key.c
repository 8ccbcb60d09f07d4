#include "reputation/key.h"

#include <string.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/digest.h"

void name_key_from(const struct dname *name, struct name_key *key)
{
    uint8_t starts[DNAME_MAX_LABELS];
    unsigned labels = 0;
    for (unsigned at = 0; name->wire[at]; at += name->wire[at] + 1u)
        starts[labels++] = (uint8_t)at;
    key->labels = (uint8_t)labels;
    unsigned used = 0;
    key->end[0] = 0;
    for (unsigned i = 1; i <= labels; i++) {
        const uint8_t *label = name->wire + starts[labels - i];
        memcpy(key->bytes + used, label, label[0] + 1u);
        used += label[0] + 1u;
        key->end[i] = (uint8_t)used;
    }
}

void name_key_from_host(const struct canonical_url *url, struct name_key *key)
{
    if (!url->host_is_address) {
        name_key_from(&url->name, key);
        return;
    }
    char text[ADDR_TEXT_SIZE];
    addr_format_ip(&url->addr, text);
    size_t n = strlen(text);
    key->labels = 1;
    key->bytes[0] = (uint8_t)n;
    memcpy(key->bytes + 1, text, n);
    key->end[0] = 0;
    key->end[1] = (uint8_t)(n + 1);
}

enum status url_key_from(const uint8_t *host, size_t host_length, struct str path, struct url_key *key)
{
    struct wire wire = wire_into(key->bytes, sizeof key->bytes);
    size_t room = sizeof key->bytes - host_length - 1;
    wire_bytes(&wire, host, host_length);
    wire_u8(&wire, 0);
    if (path.length < room) { /* a whole key is never of the full length, which tells the two forms apart */
        wire_bytes(&wire, path.data, path.length);
    } else {
        uint8_t digest[DIGEST_BYTES];
        enum status status = digest_bytes(path.data, path.length, digest);
        if (status != ST_OK)
            return status;
        wire_bytes(&wire, path.data, room - DIGEST_BYTES);
        wire_bytes(&wire, digest, DIGEST_BYTES);
    }
    CHECK(!wire.failed);
    key->length = wire_length(&wire);
    return ST_OK;
}

void network_key_from(const uint8_t ip[16], uint8_t prefix, uint8_t key[NETWORK_KEY_BYTES])
{
    memcpy(key, ip, 16);
    key[16] = prefix;
}
