#include "net/tls_hello.h"

#include <string.h>

#include "base/cursor.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_HEAD_BYTES = 5,
    RECORD_MAX_BYTES = 16384,
    VERSION_MAJOR = 3, /* of SSL 3.0 to TLS 1.3 */
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_HEAD_BYTES = 4,
    RANDOM_BYTES = 32,
    SESSION_ID_MAX = 32,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ECH = 0xfe0d, /* RFC 9849 section 11.1 */
    NAME_TYPE_HOST = 0,
    INPUT_MAX_BYTES = 2 * TLS_HELLO_MAX_BYTES, /* with the heads of the records, which may be tiny */
};

/* The handshake message so far, out of its records. */
struct message {
    uint8_t bytes[TLS_HELLO_MAX_BYTES];
    size_t length;
};

/* How long the message says that it is; 0 while its head is not there. */
static size_t wanted_length(const struct message *message)
{
    struct cursor cursor = cursor_over(message->bytes, message->length);
    cursor_u8(&cursor);
    size_t body = cursor_u24(&cursor);
    return cursor.failed ? 0 : HANDSHAKE_HEAD_BYTES + body;
}

/* A record's content may be cut anywhere; of a record that is not whole the part that is there is taken. */
static enum status take_record(struct cursor *input, struct message *message)
{
    struct cursor first = *input;
    if (cursor_left(&first) && cursor_u8(&first) != RECORD_HANDSHAKE)
        return ST_INVALID; /* told at once, without waiting for more of what is no TLS */
    if (cursor_left(input) < RECORD_HEAD_BYTES)
        return ST_TRUNCATED;
    cursor_u8(input);
    uint8_t major = cursor_u8(input);
    cursor_u8(input);
    size_t length = cursor_u16(input);
    if (major != VERSION_MAJOR || length == 0 || length > RECORD_MAX_BYTES)
        return ST_INVALID;
    size_t here = cursor_left(input) < length ? cursor_left(input) : length;
    size_t room = sizeof message->bytes - message->length;
    size_t taken = here < room ? here : room;
    const uint8_t *bytes = cursor_bytes(input, taken);
    if (taken)
        memcpy(message->bytes + message->length, bytes, taken);
    message->length += taken;
    return taken < length ? ST_TRUNCATED : ST_OK;
}

/* Gathers the records until the message is whole. */
static enum status take_message(struct str input, struct message *message)
{
    bool more_allowed = input.length < INPUT_MAX_BYTES;
    struct cursor cursor = cursor_over(input.data, more_allowed ? input.length : INPUT_MAX_BYTES);
    message->length = 0;
    for (;;) {
        enum status status = take_record(&cursor, message);
        if (status != ST_OK && status != ST_TRUNCATED)
            return status;
        if (message->length && message->bytes[0] != HANDSHAKE_CLIENT_HELLO)
            return ST_INVALID;
        size_t wanted = wanted_length(message);
        if (wanted > sizeof message->bytes)
            return ST_TOO_LARGE;
        if (wanted && message->length >= wanted) {
            message->length = wanted;
            return ST_OK;
        }
        if (status == ST_TRUNCATED)
            return more_allowed ? ST_TRUNCATED : ST_TOO_LARGE;
    }
}

/* A name that is to be compared and logged: no blanks, no control bytes, nothing beyond ASCII. */
static bool is_printable(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    return true;
}

/* RFC 6066 section 3: a list with at most one name of each type. */
static bool parse_server_name(struct cursor extension, struct tls_hello *hello)
{
    struct cursor list = cursor_sub(&extension, cursor_u16(&extension));
    bool valid = !extension.failed && !cursor_left(&extension) && cursor_left(&list);
    while (valid && cursor_left(&list)) {
        uint8_t type = cursor_u8(&list);
        size_t n = cursor_u16(&list);
        const uint8_t *name = cursor_bytes(&list, n);
        if (list.failed)
            return false;
        if (type != NAME_TYPE_HOST)
            continue;
        valid = n > 0 && n < sizeof hello->sni && !hello->sni[0] && is_printable(name, n);
        if (valid)
            text_copy(hello->sni, sizeof hello->sni, (struct str){(const char *)name, n});
    }
    return valid;
}

/* As it stands in the hello around an encrypted one (RFC 9849 section 5). In another form it hides nothing. */
static bool is_outer_ech(struct cursor extension)
{
    enum { OUTER = 0, KDF_AND_AEAD_BYTES = 4 };
    uint8_t type = cursor_u8(&extension);
    cursor_bytes(&extension, KDF_AND_AEAD_BYTES);
    cursor_u8(&extension); /* the server's configuration */
    size_t key = cursor_u16(&extension);
    cursor_bytes(&extension, key);
    size_t payload = cursor_u16(&extension);
    cursor_bytes(&extension, payload);
    return !extension.failed && !cursor_left(&extension) && type == OUTER && key && payload;
}

/* Nothing may follow the extensions, and server_name stands there once (RFC 8446 section 4.2). */
static bool parse_extensions(struct cursor *cursor, struct tls_hello *hello)
{
    struct cursor list = cursor_sub(cursor, cursor_u16(cursor));
    bool saw_server_name = false;
    if (cursor->failed || cursor_left(cursor))
        return false;
    while (cursor_left(&list)) {
        uint16_t type = cursor_u16(&list);
        struct cursor extension = cursor_sub(&list, cursor_u16(&list));
        if (list.failed)
            return false;
        if (type == EXTENSION_ECH)
            hello->has_ech = is_outer_ech(extension);
        if (type != EXTENSION_SERVER_NAME)
            continue;
        if (saw_server_name || !parse_server_name(extension, hello))
            return false;
        saw_server_name = true;
    }
    return true;
}

static bool parse_body(struct cursor cursor, struct tls_hello *hello)
{
    uint8_t major = cursor_u8(&cursor);
    cursor_u8(&cursor);
    cursor_bytes(&cursor, RANDOM_BYTES);
    size_t session_id = cursor_u8(&cursor);
    cursor_bytes(&cursor, session_id);
    size_t suites = cursor_u16(&cursor);
    cursor_bytes(&cursor, suites);
    size_t compressions = cursor_u8(&cursor);
    cursor_bytes(&cursor, compressions);
    if (cursor.failed || major != VERSION_MAJOR || session_id > SESSION_ID_MAX || suites < 2 || suites % 2 ||
        !compressions)
        return false;
    /* Before TLS 1.3 a ClientHello may end without extensions (RFC 5246 section 7.4.1.2). */
    return !cursor_left(&cursor) || parse_extensions(&cursor, hello);
}

enum status tls_hello_parse(struct str input, struct tls_hello *hello)
{
    struct message message;
    *hello = (struct tls_hello){0};
    enum status status = take_message(input, &message);
    size_t wanted = wanted_length(&message);
    if (status == ST_TRUNCATED)
        hello->missing_bytes = wanted ? wanted - message.length : 1;
    if (status != ST_OK)
        return status;
    struct cursor body = cursor_over(message.bytes + HANDSHAKE_HEAD_BYTES, message.length - HANDSHAKE_HEAD_BYTES);
    if (parse_body(body, hello))
        return ST_OK;
    *hello = (struct tls_hello){0};
    return ST_INVALID;
}
