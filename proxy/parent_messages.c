#include "proxy/parent_messages.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/cursor.h"

enum { SOCKS_CONNECT = 1, SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4, LOGIN_VERSION = 1, MAX_INTERIM = 8 };

/* CONNECT */

void parent_authorization_build(struct buf *out, const struct origin_parent *parent)
{
    struct buf login = {0};
    if (!parent->has_login)
        return;
    buf_printf(&login, "%s:%s", parent->user, parent->password);
    buf_add_text(out, "Proxy-Authorization: Basic ");
    base64_encode(out, login.data, login.length);
    buf_add_text(out, "\r\n");
    out->failed |= login.failed;
    if (login.data)
        explicit_bzero(login.data, login.length);
    buf_free(&login);
}

/* Host is the same as the target (RFC 9112 section 3.2.3). */
void parent_connect_build(struct buf *out, const struct origin_parent *parent, const struct parent_target *target)
{
    char place[ADDR_TEXT_SIZE + 256];
    if (target->name.length)
        snprintf(place, sizeof place, "%.*s:%u", (int)(target->name.length < 256 ? target->name.length : 256),
                 target->name.data, target->addr.port);
    else
        addr_format(&target->addr, place);
    buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", place, place);
    parent_authorization_build(out, parent);
    buf_add_text(out, "\r\n");
}

enum status parent_connect_parse(struct str input, struct http_head *head, unsigned *status, size_t *length)
{
    enum http_reject reject;
    *length = 0;
    for (unsigned i = 0; i <= MAX_INTERIM; i++) {
        enum status parsed = http_response_parse(str_from(input, *length), STR("CONNECT"), head, &reject);
        if (parsed == ST_TRUNCATED)
            return ST_TRUNCATED;
        if (parsed != ST_OK || head->status == 101)
            return ST_INVALID;
        *length += head->length;
        *status = head->status;
        if (head->status >= 200)
            return ST_OK;
    }
    return ST_INVALID;
}

/* SOCKS5 */

static void add_byte(struct buf *out, unsigned value)
{
    buf_add_char(out, (char)(uint8_t)value);
}

static void add_counted(struct buf *out, struct str text)
{
    CHECK(text.length <= UINT8_MAX); /* a host and a login have no more */
    add_byte(out, (unsigned)text.length);
    buf_add(out, text.data, text.length);
}

void parent_socks_greeting_build(struct buf *out, const struct origin_parent *parent)
{
    add_byte(out, SOCKS_VERSION);
    add_byte(out, parent->has_login ? 2 : 1);
    add_byte(out, SOCKS_NO_LOGIN);
    if (parent->has_login)
        add_byte(out, SOCKS_LOGIN);
}

void parent_socks_login_build(struct buf *out, const struct origin_parent *parent)
{
    add_byte(out, LOGIN_VERSION);
    add_counted(out, str_of(parent->user));
    add_counted(out, str_of(parent->password));
}

void parent_socks_request_build(struct buf *out, const struct parent_target *target)
{
    add_byte(out, SOCKS_VERSION);
    add_byte(out, SOCKS_CONNECT);
    add_byte(out, 0);
    if (target->name.length) {
        add_byte(out, SOCKS_NAME);
        add_counted(out, target->name);
    } else if (addr_is_v4(&target->addr)) {
        add_byte(out, SOCKS_IPV4);
        buf_add(out, target->addr.ip + 12, 4);
    } else {
        add_byte(out, SOCKS_IPV6);
        buf_add(out, target->addr.ip, 16);
    }
    add_byte(out, target->addr.port >> 8);
    add_byte(out, target->addr.port);
}

/* A first byte that is wrong is told at once: more will not mend it. */
static bool begins_wrong(struct str input, uint8_t version)
{
    return input.length && (uint8_t)input.data[0] != version;
}

enum status parent_socks_method_parse(struct str input, bool login_offered, uint8_t *method, size_t *length)
{
    struct cursor cursor = cursor_over(input.data, input.length);
    cursor_u8(&cursor);
    *method = cursor_u8(&cursor);
    if (begins_wrong(input, SOCKS_VERSION))
        return ST_INVALID;
    if (cursor.failed)
        return ST_TRUNCATED;
    *length = cursor_offset(&cursor);
    bool offered = *method == SOCKS_NO_LOGIN || (*method == SOCKS_LOGIN && login_offered);
    return offered || *method == SOCKS_NO_METHOD ? ST_OK : ST_INVALID;
}

enum status parent_socks_login_parse(struct str input, size_t *length)
{
    struct cursor cursor = cursor_over(input.data, input.length);
    cursor_u8(&cursor);
    uint8_t status = cursor_u8(&cursor);
    if (begins_wrong(input, LOGIN_VERSION))
        return ST_INVALID;
    if (cursor.failed)
        return ST_TRUNCATED;
    *length = cursor_offset(&cursor);
    return status ? ST_DENIED : ST_OK;
}

enum status parent_socks_reply_parse(struct str input, uint8_t *reply, size_t *length)
{
    struct cursor cursor = cursor_over(input.data, input.length);
    cursor_u8(&cursor);
    *reply = cursor_u8(&cursor);
    uint8_t reserved = cursor_u8(&cursor), type = cursor_u8(&cursor);
    if (begins_wrong(input, SOCKS_VERSION))
        return ST_INVALID;
    if (cursor.failed)
        return ST_TRUNCATED;
    if (reserved || (type != SOCKS_IPV4 && type != SOCKS_NAME && type != SOCKS_IPV6))
        return ST_INVALID;
    cursor_bytes(&cursor, type == SOCKS_IPV4 ? 4 : type == SOCKS_IPV6 ? 16 : cursor_u8(&cursor));
    cursor_u16(&cursor);
    if (cursor.failed)
        return ST_TRUNCATED;
    *length = cursor_offset(&cursor);
    return ST_OK;
}
