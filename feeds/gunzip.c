#include "feeds/gunzip.h"

#include <stdlib.h>
#include <zlib.h>

struct gunzip {
    z_stream stream;
    bool between; /* two members, or before the first */
    uint64_t members;
};

enum { GZIP_ONLY = 16 }; /* added to the window's bits: no other wrapping */

struct gunzip *gunzip_new(void)
{
    struct gunzip *gunzip = calloc(1, sizeof *gunzip);
    if (gunzip && inflateInit2(&gunzip->stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(gunzip);
        return NULL;
    }
    if (gunzip)
        gunzip->between = true;
    return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
    if (gunzip)
        inflateEnd(&gunzip->stream);
    free(gunzip);
}

/* Zero bytes may fill up the last block of a tape or a file system. */
static bool only_padding(struct body *body)
{
    for (;;) {
        while (body->at < body->end && !body->block[body->at])
            body->at++;
        if (body->at < body->end || !body_fill(body))
            return false;
        if (body->at == body->end)
            return true;
    }
}

ssize_t gunzip_read(struct gunzip *gunzip, struct body *body, void *out, size_t size)
{
    z_stream *stream = &gunzip->stream;
    stream->next_out = out;
    stream->avail_out = size > UINT32_MAX ? UINT32_MAX : (uInt)size;
    while (stream->next_out == (Bytef *)out) {
        if (!body_fill(body))
            return -1;
        if (body->at == body->end)
            return gunzip->between ? 0 : body_fail(body, "it is cut", "gzip");
        if (gunzip->between && gunzip->members && body->block[body->at] != 0x1f)
            return only_padding(body) ? 0 : body_fail(body, "there is something else behind it", "gzip");
        gunzip->between = false;
        stream->next_in = body->block + body->at;
        stream->avail_in = (uInt)(body->end - body->at);
        int got = inflate(stream, Z_NO_FLUSH);
        body->at = body->end - stream->avail_in;
        if (got == Z_STREAM_END) {
            gunzip->between = true;
            gunzip->members++;
            if (inflateReset(stream) != Z_OK)
                return body_fail(body, "it is damaged", "gzip");
        } else if (got != Z_OK && got != Z_BUF_ERROR) {
            return body_fail(body, "it is damaged", stream->msg ? stream->msg : "gzip");
        }
    }
    return (ssize_t)(stream->next_out - (Bytef *)out);
}
