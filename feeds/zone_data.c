#include "feeds/zone_data.h"

#include <string.h>

#include "base/addr.h"
#include "base/cursor.h"

/* How data is written: n a name, b and s numbers of 8 and 16 bits, 4 and 6 an address, q a text, t texts up to the end,
 * r a text without its length. NULL: it is read in hexadecimal alone. */
static const struct type {
    const char *mnemonic;
    uint16_t number;
    const char *fields;
} types[] = {
    {"A", 1, "4"},        {"CNAME", ZONE_TYPE_CNAME, "n"},
    {"PTR", 12, "n"},     {"HINFO", 13, "qq"},
    {"MX", 15, "sn"},     {"TXT", 16, "t"},
    {"RP", 17, "nn"},     {"AFSDB", 18, "sn"},
    {"AAAA", 28, "6"},    {"LOC", 29, NULL},
    {"SRV", 33, "sssn"},  {"NAPTR", 35, "ssqqqn"},
    {"CERT", 37, NULL},   {"DNAME", 39, "n"},
    {"SSHFP", 44, NULL},  {"TLSA", 52, NULL},
    {"SMIMEA", 53, NULL}, {"SVCB", 64, NULL},
    {"HTTPS", 65, NULL},  {"SPF", 99, "t"},
    {"URI", 256, "ssr"},  {"CAA", 257, "bqr"},
};

enum { MAX_TEXT_BYTES = 255 };

/* False: no type. */
static bool find_type(struct str text, uint16_t *number, const char **fields)
{
    uint64_t value;
    bool known = text.length > 4 && str_eq_nocase((struct str){text.data, 4}, STR("TYPE")) &&
                 text_u64(str_from(text, 4), UINT16_MAX, &value) == ST_OK && value;
    *number = known ? (uint16_t)value : 0;
    *fields = NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (known ? types[i].number == *number : str_eq_nocase(text, str_of(types[i].mnemonic))) {
            *number = types[i].number;
            *fields = types[i].fields;
            return true;
        }
    return known;
}

bool zone_type_known(struct str type)
{
    uint16_t number;
    const char *fields;
    return find_type(type, &number, &fields);
}

/* The bytes of a text: without the quotes around it, escapes undone. */
static bool add_text_bytes(struct str word, struct wire *wire)
{
    if (word.length >= 2 && word.data[0] == '"' && word.data[word.length - 1] == '"')
        word = (struct str){word.data + 1, word.length - 2};
    for (size_t i = 0; i < word.length; i++) {
        uint64_t byte = (uint8_t)word.data[i];
        if (word.data[i] == '\\' && i + 1 == word.length)
            return false;
        if (word.data[i] == '\\' && ascii_digit(word.data[i + 1])) {
            if (word.length - i < 4 || text_u64((struct str){word.data + i + 1, 3}, UINT8_MAX, &byte) != ST_OK)
                return false;
            i += 3;
        } else if (word.data[i] == '\\') {
            byte = (uint8_t)word.data[++i];
        } else if (word.data[i] == '"') {
            return false;
        }
        wire_u8(wire, (uint8_t)byte);
    }
    return true;
}

static bool add_text(struct str word, struct wire *wire)
{
    uint8_t bytes[MAX_TEXT_BYTES];
    struct wire text = wire_into(bytes, sizeof bytes);
    if (!add_text_bytes(word, &text) || text.failed)
        return false;
    wire_u8(wire, (uint8_t)wire_length(&text));
    wire_bytes(wire, bytes, wire_length(&text));
    return true;
}

static bool add_address(struct str word, bool v4, struct wire *wire)
{
    struct addr addr;
    if (addr_parse_ip(word, &addr) != ST_OK || !memchr(word.data, ':', word.length) != v4 || word.data[0] == '[')
        return false;
    wire_bytes(wire, addr.ip + (v4 ? 12 : 0), v4 ? 4 : 16);
    return true;
}

static bool add_number(struct str word, char field, struct wire *wire)
{
    uint64_t number;
    if (text_u64(word, field == 'b' ? UINT8_MAX : UINT16_MAX, &number) != ST_OK)
        return false;
    if (field == 'b')
        wire_u8(wire, (uint8_t)number);
    else
        wire_u16(wire, (uint16_t)number);
    return true;
}

static enum status add_name(const struct zone *zone, struct str word, struct wire *wire)
{
    char text[ZONE_NAME_SIZE];
    struct dname name;
    bool absolute;
    if (!zone_full_name(zone, word, text, &absolute))
        return ST_INVALID;
    if (!absolute)
        return ST_UNSUPPORTED;
    if (dname_from_text(text[0] ? str_of(text) : STR("."), &name) != ST_OK)
        return ST_INVALID;
    wire_bytes(wire, name.wire, name.length);
    return ST_OK;
}

static enum status add_field(const struct zone *zone, char field, struct str word, struct wire *wire)
{
    bool good = false;
    if (!word.length)
        return ST_INVALID;
    switch (field) {
    case 'n':
        return add_name(zone, word, wire);
    case '4':
    case '6':
        good = add_address(word, field == '4', wire);
        break;
    case 'q':
    case 't':
        good = add_text(word, wire);
        break;
    case 'r':
        good = add_text_bytes(word, wire);
        break;
    default:
        good = add_number(word, field, wire);
    }
    return good ? ST_OK : ST_INVALID;
}

static enum status add_fields(const struct zone *zone, const char *fields, struct str text, struct wire *wire)
{
    enum status sum = ST_OK;
    for (; *fields; fields++) {
        do {
            enum status status = add_field(zone, *fields, zone_word(&text), wire);
            if (status == ST_INVALID)
                return status;
            sum = status == ST_OK ? sum : status;
        } while (*fields == 't' && str_trim(text).length);
    }
    return str_trim(text).length ? ST_INVALID : sum;
}

/* RFC 3597 section 5: a length, and so many bytes, with blanks wherever. */
static enum status add_hex(struct str text, struct wire *wire)
{
    uint64_t length;
    int high = -1;
    if (text_u64(zone_word(&text), UINT16_MAX, &length) != ST_OK)
        return ST_INVALID;
    for (size_t i = 0; i < text.length; i++) {
        int digit = hex_value(text.data[i]);
        if (text.data[i] == ' ' || text.data[i] == '\t')
            continue;
        if (digit < 0)
            return ST_INVALID;
        if (high >= 0)
            wire_u8(wire, (uint8_t)(high << 4 | digit));
        high = high < 0 ? digit : -1;
    }
    return high < 0 && (wire->failed || wire_length(wire) == length) ? ST_OK : ST_INVALID;
}

/* Data in hexadecimal must be what the type's own form could have said. */
static bool fits(const char *fields, struct cursor data)
{
    for (; fields && *fields; fields++) {
        struct dname name;
        size_t n = 0;
        switch (*fields) {
        case 'n':
            while (n < cursor_left(&data) && data.at[n])
                n += data.at[n] + 1u;
            if (n >= cursor_left(&data) || dname_from_wire(data.at, n + 1, &name) != ST_OK)
                return false;
            cursor_bytes(&data, n + 1);
            break;
        case 'q':
            cursor_bytes(&data, cursor_u8(&data));
            break;
        case 't':
            do
                cursor_bytes(&data, cursor_u8(&data));
            while (!data.failed && cursor_left(&data));
            break;
        case 'r':
            cursor_bytes(&data, cursor_left(&data));
            break;
        default:
            cursor_bytes(&data, *fields == 'b' ? 1 : *fields == 's' ? 2 : *fields == '6' ? 16 : 4);
        }
    }
    return !data.failed && (!fields || !cursor_left(&data));
}

enum status zone_data_build(const struct zone *zone, const struct zone_record *record, struct zone_data *data)
{
    const char *fields;
    struct str text = record->data, all = text;
    struct wire wire = wire_into(data->bytes, sizeof data->bytes);
    data->length = 0;
    if (!find_type(record->type, &data->type, &fields))
        return ST_INVALID;
    if (record->cut)
        return ST_TOO_LARGE;
    bool hex = str_eq(zone_word(&text), STR("\\#"));
    if (!hex && !fields)
        return ST_UNSUPPORTED;
    enum status status = hex ? add_hex(text, &wire) : add_fields(zone, fields, all, &wire);
    if (status != ST_OK)
        return status;
    if (wire.failed)
        return ST_TOO_LARGE;
    data->length = wire_length(&wire);
    return !hex || fits(fields, cursor_over(data->bytes, data->length)) ? ST_OK : ST_INVALID;
}
