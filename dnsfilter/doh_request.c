#include "dnsfilter/doh_request.h"

#include "message/dns_message.h"

static const struct str path_of_queries = {"/dns-query", 10}, message_type = {"application/dns-message", 23};

/* Of base64url (RFC 4648 section 5); -1: none of its letters. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Without padding (RFC 8484 section 6), and nothing hidden in the bits that are left over. */
static enum status decode(struct str text, uint8_t *out, size_t size, size_t *n)
{
    struct wire wire = wire_into(out, size);
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < text.length; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return ST_INVALID;
        held = (held << 6 | (unsigned)value) & 0xfff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            wire_u8(&wire, (uint8_t)(held >> bits));
        }
    }
    *n = wire_length(&wire);
    bool clean = bits < 6 && !(held & ((1u << bits) - 1));
    return clean && !wire.failed ? ST_OK : ST_INVALID;
}

/* The value of the parameter "dns" in what follows the path's question mark. */
static bool find_parameter(struct str rest, struct str *value)
{
    static const struct str key = {"dns=", 4};
    while (rest.length) {
        struct str parameter = rest, after = {0};
        str_cut(rest, '&', &parameter, &after);
        if (str_starts(parameter, key)) {
            *value = str_from(parameter, key.length);
            return true;
        }
        rest = after;
    }
    return false;
}

/* Parameters of the type say nothing here. */
static bool is_message_type(struct str type)
{
    struct str before, after;
    if (str_cut(type, ';', &before, &after))
        type = before;
    return str_eq_nocase(str_trim(type), message_type);
}

static unsigned read_get(struct str parameters, uint8_t *out, struct str *message)
{
    struct str value;
    size_t n;
    if (!find_parameter(parameters, &value) || decode(value, out, DOH_MESSAGE_MAX, &n) != ST_OK)
        return 400;
    *message = (struct str){(const char *)out, n};
    return 200;
}

/* Of an answer nobody makes an answer, but here someone waits to hear why. */
static bool is_query(struct str message)
{
    return message.length >= DNS_HEADER_BYTES && !(message.data[2] & DNS_FLAG_QR >> 8);
}

unsigned doh_request_read(const struct http2_request *request, uint8_t out[DOH_MESSAGE_MAX], struct str *message)
{
    struct str path = request->path, parameters = {0};
    bool get = str_eq(request->method, STR("GET")), post = str_eq(request->method, STR("POST"));
    unsigned status = 200;
    str_cut(request->path, '?', &path, &parameters);
    if (!str_eq(path, path_of_queries))
        return 404;
    if (!get && !post)
        return 405;
    if (post && !is_message_type(request->content_type))
        return 415;
    if (post)
        *message = request->body;
    else
        status = read_get(parameters, out, message);
    return status == 200 && !is_query(*message) ? 400 : status;
}
