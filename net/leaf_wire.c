#include "net/leaf_wire.h"

#include <string.h>

enum { VERSION = 1 };

size_t leaf_request_build(const struct leaf_request *request, uint8_t out[LEAF_REQUEST_MAX])
{
    struct wire wire = wire_into(out, LEAF_REQUEST_MAX);
    size_t n = strlen(request->name);
    wire_u8(&wire, VERSION);
    wire_u32(&wire, request->number);
    wire_bytes(&wire, request->client.ip, sizeof request->client.ip);
    wire_u8(&wire, (uint8_t)n);
    wire_bytes(&wire, request->name, n);
    return wire_length(&wire);
}

/* The bytes of one name become a text again only if they are what that text would have been. */
static bool take_name(const uint8_t *bytes, size_t n, char out[LEAF_NAME_SIZE])
{
    struct dname name;
    struct str text = {(const char *)bytes, n};
    return dname_from_text(text, &name) == ST_OK && authority_leaf_name(&name, out) == ST_OK &&
           str_eq(str_of(out), text);
}

enum status leaf_request_parse(const uint8_t *bytes, size_t n, struct leaf_request *request)
{
    struct cursor cursor = cursor_over(bytes, n);
    *request = (struct leaf_request){0};
    uint8_t version = cursor_u8(&cursor);
    request->number = cursor_u32(&cursor);
    const uint8_t *ip = cursor_bytes(&cursor, sizeof request->client.ip);
    uint8_t length = cursor_u8(&cursor);
    const uint8_t *name = cursor_bytes(&cursor, length);
    if (cursor.failed || cursor_left(&cursor) || version != VERSION || !take_name(name, length, request->name))
        return ST_INVALID;
    memcpy(request->client.ip, ip, sizeof request->client.ip);
    return ST_OK;
}

size_t leaf_reply_build(const struct leaf_reply *reply, uint8_t out[LEAF_REPLY_MAX])
{
    if (reply->certificate.length > LEAF_CERTIFICATE_MAX || reply->key.length > LEAF_KEY_MAX)
        return 0;
    struct wire wire = wire_into(out, LEAF_REPLY_MAX);
    wire_u8(&wire, VERSION);
    wire_u32(&wire, reply->number);
    wire_u8(&wire, (uint8_t)reply->result);
    wire_u16(&wire, (uint16_t)reply->certificate.length);
    wire_bytes(&wire, reply->certificate.data, reply->certificate.length);
    wire_u16(&wire, (uint16_t)reply->key.length);
    wire_bytes(&wire, reply->key.data, reply->key.length);
    return wire.failed ? 0 : wire_length(&wire);
}

static struct str take_part(struct cursor *cursor)
{
    uint16_t n = cursor_u16(cursor);
    const uint8_t *bytes = cursor_bytes(cursor, n);
    return (struct str){(const char *)bytes, bytes ? n : 0};
}

enum status leaf_reply_parse(const uint8_t *bytes, size_t n, struct leaf_reply *reply)
{
    struct cursor cursor = cursor_over(bytes, n);
    uint8_t version = cursor_u8(&cursor);
    uint32_t number = cursor_u32(&cursor);
    uint8_t result = cursor_u8(&cursor);
    struct str certificate = take_part(&cursor), key = take_part(&cursor);
    if (cursor.failed || cursor_left(&cursor) || version != VERSION || result >= LEAF_RESULTS)
        return ST_INVALID;
    bool given = certificate.length && key.length, none = !certificate.length && !key.length;
    if (certificate.length > LEAF_CERTIFICATE_MAX || key.length > LEAF_KEY_MAX ||
        !(result == LEAF_SIGNED ? given : none))
        return ST_INVALID;
    *reply = (struct leaf_reply){number, (enum leaf_result)result, certificate, key};
    return ST_OK;
}
