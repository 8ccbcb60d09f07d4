/* What a primary sends. Input: a byte that says what was asked for, then messages as TCP has them, each with its length
 * before it. Whatever comes, what is written are whole lines that start with the zone's SOA and can be built on. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "feeds/zone_stream.h"

enum { ID = 0x1234, NOW_S = 1700000000, OUT_BYTES = 1 << 20 };

static const char old_zone[] = "rpz.example. 60 IN SOA ns. host. 1 3600 600 86400 30\n"
                               "a.rpz.example. 60 IN CNAME .\n"
                               "b.rpz.example. 60 IN CNAME .\n";
static struct dname zone;
static struct tsig_key key;
static int old_fd = -1, out_fd = -1;

static void prepare(void)
{
    struct fault fault = {0};
    CHECK(dname_from_text(STR("rpz.example"), &zone) == ST_OK);
    CHECK(tsig_key_parse(STR("hmac-sha256:k:AAAA"), &key, &fault) == ST_OK);
    old_fd = memfd_create("old", MFD_CLOEXEC);
    out_fd = memfd_create("out", MFD_CLOEXEC);
    CHECK(old_fd >= 0 && out_fd >= 0);
    CHECK(write(old_fd, old_zone, sizeof old_zone - 1) == sizeof old_zone - 1);
}

static void check_written(const struct zone_stream *stream)
{
    static char text[OUT_BYTES];
    struct zone_soa soa;
    ssize_t n = pread(out_fd, text, sizeof text, 0);
    CHECK(n > 0 && text[n - 1] == '\n');
    CHECK(!memchr(text, '\0', (size_t)n) && !memchr(text, '\r', (size_t)n));
    CHECK(zone_file_soa(out_fd, stream->zone, &soa) == ST_OK && soa.serial == stream->soa.serial);
}

static void finish(struct zone_stream *stream)
{
    struct fault fault = {0};
    if (stream->type == DNS_TYPE_SOA || stream->unchanged)
        return;
    struct str soa = {stream->soa_line.data, stream->soa_line.length};
    enum status st = ST_OK;
    if (stream->incremental)
        st = zone_changes_apply(&stream->changes, old_fd, soa, stream->file, &fault);
    CHECK((st == ST_OK) == !fault.text[0]);
    if (st == ST_OK)
        check_written(stream);
}

static void play(struct zone_stream *stream, const uint8_t *data, size_t size)
{
    enum status st = ST_OK;
    while (st == ST_OK && size >= 2 && stream->state != ZONE_STREAM_END) {
        struct fault fault = {0};
        size_t n = (size_t)data[0] << 8 | data[1];
        n = n < size - 2 ? n : size - 2;
        uint8_t *exact = malloc(n + !n);
        CHECK(exact);
        memcpy(exact, data + 2, n);
        st = zone_stream_take(stream, exact, n, NOW_S, &fault);
        free(exact);
        CHECK((st == ST_OK) == !fault.text[0]);
        CHECK(st != ST_UNSUPPORTED || stream->type == DNS_TYPE_IXFR);
        data += n + 2;
        size -= n + 2;
    }
    if (st == ST_OK && stream->state == ZONE_STREAM_END)
        finish(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = {DNS_TYPE_SOA, DNS_TYPE_AXFR, DNS_TYPE_IXFR, DNS_TYPE_IXFR};
    struct fault fault = {0};
    if (old_fd < 0)
        prepare();
    if (!size)
        return 0;
    struct zone_file file = {.fd = out_fd, .max_bytes = OUT_BYTES - 1, .max_records = 10000};
    struct zone_stream stream = {.zone = &zone,
                                 .id = ID,
                                 .type = types[data[0] & 3],
                                 .has_old = data[0] & 2,
                                 .old_serial = 1,
                                 .file = &file,
                                 .tsig = data[0] & 4 ? tsig_new(&key) : NULL};
    CHECK(zone_file_reset(&file, &fault) == ST_OK);
    play(&stream, data + 1, size - 1);
    tsig_free(stream.tsig);
    zone_stream_free(&stream);
    zone_file_free(&file);
    return 0;
}
