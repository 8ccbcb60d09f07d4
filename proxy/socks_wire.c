#include "proxy/socks_wire.h"

#include <string.h>

#include "base/cursor.h"

enum { LOGIN_VERSION = 1, ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };
enum { SOCKS_4_GRANTED = 90, SOCKS_4_REJECTED = 91 };

/* The first byte tells that it is something else, without waiting for more of it. */
static bool is_of_version(struct str input, uint8_t version)
{
    struct cursor first = cursor_over(input.data, input.length);
    return !cursor_left(&first) || cursor_u8(&first) == version;
}

/* With its length before it. */
static struct str take_text(struct cursor *cursor)
{
    size_t n = cursor_u8(cursor);
    const uint8_t *bytes = cursor_bytes(cursor, n);
    return bytes ? (struct str){(const char *)bytes, n} : (struct str){0};
}

enum status socks_greeting_parse(struct str input, struct socks_greeting *greeting)
{
    *greeting = (struct socks_greeting){0};
    struct cursor cursor = cursor_over(input.data, input.length);
    if (!is_of_version(input, SOCKS_5))
        return ST_INVALID;
    cursor_u8(&cursor);
    struct str methods = take_text(&cursor);
    if (cursor.failed)
        return ST_TRUNCATED;
    if (!methods.length)
        return ST_INVALID;
    greeting->takes_none = memchr(methods.data, SOCKS_METHOD_NONE, methods.length);
    greeting->takes_password = memchr(methods.data, SOCKS_METHOD_PASSWORD, methods.length);
    greeting->length = cursor_offset(&cursor);
    return ST_OK;
}

enum status socks_login_parse(struct str input, struct socks_login *login)
{
    *login = (struct socks_login){0};
    struct cursor cursor = cursor_over(input.data, input.length);
    if (!is_of_version(input, LOGIN_VERSION))
        return ST_INVALID;
    cursor_u8(&cursor);
    struct str user = take_text(&cursor);
    if (!cursor.failed && !user.length)
        return ST_INVALID;
    struct str password = take_text(&cursor);
    if (cursor.failed)
        return ST_TRUNCATED;
    *login = (struct socks_login){user, password, cursor_offset(&cursor)};
    return ST_OK;
}

static void take_v4(struct cursor *cursor, struct addr *addr)
{
    *addr = addr_v4(cursor_u32(cursor), 0);
}

static void take_v6(struct cursor *cursor, struct addr *addr)
{
    const uint8_t *bytes = cursor_bytes(cursor, sizeof addr->ip);
    if (bytes)
        memcpy(addr->ip, bytes, sizeof addr->ip);
}

/* RFC 1928 section 4: version, command, a reserved byte, kind of address, address, port. */
static enum status parse_5(struct cursor *cursor, struct socks_request *request)
{
    cursor_u8(cursor);
    request->command = cursor_u8(cursor);
    uint8_t reserved = cursor_u8(cursor);
    if (!cursor->failed && reserved)
        return ST_INVALID;
    uint8_t kind = cursor_u8(cursor);
    if (cursor->failed)
        return ST_TRUNCATED;
    if (kind == ADDRESS_V4)
        take_v4(cursor, &request->addr);
    else if (kind == ADDRESS_V6)
        take_v6(cursor, &request->addr);
    else if (kind == ADDRESS_NAME)
        request->name = take_text(cursor);
    else
        return ST_UNSUPPORTED;
    if (kind == ADDRESS_NAME && !cursor->failed && !request->name.length)
        return ST_INVALID;
    request->port = cursor_u16(cursor);
    return cursor->failed ? ST_TRUNCATED : ST_OK;
}

/* Text that a NUL ends, which is taken too. */
static enum status take_until_nul(struct cursor *cursor, struct str *text)
{
    size_t left = cursor_left(cursor), room = left <= SOCKS_TEXT_MAX ? left : SOCKS_TEXT_MAX + 1;
    struct cursor look = *cursor;
    const uint8_t *bytes = cursor_bytes(&look, room);
    const uint8_t *nul = room ? memchr(bytes, '\0', room) : NULL;
    if (!nul)
        return left > SOCKS_TEXT_MAX ? ST_INVALID : ST_TRUNCATED;
    *text = (struct str){(const char *)bytes, (size_t)(nul - bytes)};
    cursor_bytes(cursor, text->length + 1);
    return ST_OK;
}

/* SOCKS 4: version, command, port, address, user, NUL. 4a: the address is 0.0.0.x, with a name and a NUL behind. */
static enum status parse_4(struct cursor *cursor, struct socks_request *request)
{
    struct str user, name = {0};
    cursor_u8(cursor);
    request->command = cursor_u8(cursor);
    request->port = cursor_u16(cursor);
    struct cursor address = *cursor;
    take_v4(cursor, &request->addr);
    if (cursor->failed)
        return ST_TRUNCATED;
    uint32_t v4 = cursor_u32(&address);
    enum status status = take_until_nul(cursor, &user);
    if (status == ST_OK && v4 && v4 <= 0xff) {
        status = take_until_nul(cursor, &name);
        if (status == ST_OK && !name.length)
            status = ST_INVALID;
    }
    request->name = name;
    return status;
}

enum status socks_request_parse(struct str input, unsigned version, struct socks_request *request)
{
    struct socks_request read = {0};
    struct cursor cursor = cursor_over(input.data, input.length);
    *request = (struct socks_request){0};
    if (!is_of_version(input, (uint8_t)version))
        return ST_INVALID;
    enum status status = version == SOCKS_4 ? parse_4(&cursor, &read) : parse_5(&cursor, &read);
    if (status != ST_OK)
        return status;
    read.length = cursor_offset(&cursor);
    *request = read;
    return ST_OK;
}

void socks_method_build(struct buf *out, enum socks_method method)
{
    buf_add_char(out, SOCKS_5);
    buf_add_char(out, (char)method);
}

void socks_login_reply_build(struct buf *out, bool taken)
{
    buf_add_char(out, LOGIN_VERSION);
    buf_add_char(out, taken ? 0 : 1);
}

void socks_reply_build(struct buf *out, unsigned version, enum socks_reply reply)
{
    static const char nowhere[6] = {0};
    if (version == SOCKS_4) {
        buf_add_char(out, 0);
        buf_add_char(out, reply == SOCKS_REPLY_SUCCEEDED ? SOCKS_4_GRANTED : SOCKS_4_REJECTED);
    } else {
        const char head[] = {SOCKS_5, (char)reply, 0, ADDRESS_V4};
        buf_add(out, head, sizeof head);
    }
    buf_add(out, nowhere, sizeof nowhere);
}
