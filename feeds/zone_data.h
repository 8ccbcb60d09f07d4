/* The types of records in zone files, and their data as it goes over the wire. */
#pragma once

#include "base/dname.h"
#include "feeds/zone.h"

enum { ZONE_DATA_MAX = 1016, ZONE_TYPE_CNAME = 5 };

/* Whether it is a type's mnemonic, or its number as RFC 3597 section 5 writes it: "TYPE65280". */
bool zone_type_known(struct str type);

struct zone_data {
    uint16_t type;
    size_t length;
    uint8_t bytes[ZONE_DATA_MAX];
};

/* ST_UNSUPPORTED: only the type is set, as its data is read in hexadecimal alone ("\# 2 abcd"), or holds a name that
 * the file does not tell in full. ST_INVALID: it is not as its type wants it. ST_TOO_LARGE. */
enum status zone_data_build(const struct zone *zone, const struct zone_record *record,
                            struct zone_data *data) MUST_CHECK;
