#include "feeds/zone_transfer.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/zone_stream.h"

enum { QUESTION_SIZE = 1024 };

struct transfer {
    const struct transfer_request *request;
    struct transfer_result *result;
    struct primary primary;
    struct zone_file file;
    bool has_old;
    struct zone_soa old;
    uint8_t message[DNS_MESSAGE_MAX];
};

/* The question, with our version in its authority section where differences are asked for (RFC 1995 section 3). */
static size_t build_question(const struct zone_stream *stream, uint8_t out[QUESTION_SIZE])
{
    struct dns_question question = {.name = *stream->zone, .type = stream->type, .class = DNS_CLASS_IN};
    struct dns_build build = dns_build_query(out, QUESTION_SIZE, stream->id, &question, 0);
    build.header.flags = 0; /* a primary is not asked to recurse */
    if (stream->type == DNS_TYPE_IXFR) {
        uint8_t soa[22] = {0}; /* the root for both names; of the numbers only the serial counts */
        struct wire wire = wire_into(soa, sizeof soa);
        wire_u16(&wire, 0);
        wire_u32(&wire, stream->old_serial);
        dns_build_own_record(&build, DNS_AUTHORITY, DNS_TYPE_SOA, 0, soa, sizeof soa);
    }
    return dns_build_finish(&build);
}

static enum status send_question(struct transfer *transfer, const struct zone_stream *stream, struct fault *fault)
{
    uint8_t question[QUESTION_SIZE];
    size_t n = build_question(stream, question);
    enum status st =
        stream->tsig ? tsig_sign(stream->tsig, question, sizeof question, &n, clock_wall_ms() / 1000) : ST_OK;
    if (st != ST_OK)
        return fault_set(fault, st, "can't sign the question: %s", status_text(st));
    return primary_send(&transfer->primary, question, n, fault);
}

/* To the one that answered before, else to the first that does. */
static enum status connect_one(struct transfer *transfer, struct fault *fault)
{
    const struct transfer_request *request = transfer->request;
    struct addr *asked = &transfer->result->primary;
    if (asked->port)
        return primary_connect(&transfer->primary, asked, fault);
    enum status st = ST_UNAVAILABLE;
    struct fault why = {0};
    for (size_t i = 0; i < request->primary_count && st != ST_OK && st != ST_CLOSED; i++) {
        why = (struct fault){0};
        st = primary_connect(&transfer->primary, &request->primaries[i], &why);
        *asked = st == ST_OK ? request->primaries[i] : *asked;
    }
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", why.text[0] ? why.text : "it has no primary");
}

static enum status receive_all(struct transfer *transfer, struct zone_stream *stream, struct fault *fault)
{
    enum status st = ST_OK;
    while (st == ST_OK && stream->state != ZONE_STREAM_END) {
        size_t n = 0;
        st = primary_receive(&transfer->primary, transfer->message, &n, fault);
        if (st == ST_OK)
            st = zone_stream_take(stream, transfer->message, n, clock_wall_ms() / 1000, fault);
    }
    /* A primary that does not know the question may just hang up. */
    bool nothing = stream->state == ZONE_STREAM_START || stream->state == ZONE_STREAM_SECOND;
    return st == ST_TRUNCATED && nothing && stream->type == DNS_TYPE_IXFR ? ST_UNSUPPORTED : st;
}

/* One question and its answer, over a connection of its own: not every primary answers a second one. */
static enum status ask(struct transfer *transfer, struct zone_stream *stream, struct fault *fault)
{
    enum status st = connect_one(transfer, fault);
    if (st == ST_OK && getrandom(&stream->id, sizeof stream->id, 0) != (ssize_t)sizeof stream->id)
        st = fault_errno(fault, ST_IO, "can't get random bytes");
    if (st == ST_OK && transfer->request->key && !(stream->tsig = tsig_new(transfer->request->key)))
        st = fault_set(fault, ST_NOMEM, "out of memory");
    if (st == ST_OK)
        st = send_question(transfer, stream, fault);
    if (st == ST_OK)
        st = receive_all(transfer, stream, fault);
    tsig_free(stream->tsig);
    stream->tsig = NULL;
    primary_close(&transfer->primary);
    if (st == ST_OK) {
        transfer->result->soa = stream->soa;
        transfer->result->not_modified = stream->unchanged;
        transfer->result->incremental = stream->incremental;
    }
    return st;
}

static struct zone_stream question_of(struct transfer *transfer, uint16_t type)
{
    return (struct zone_stream){.zone = transfer->request->zone,
                                .type = type,
                                .has_old = transfer->has_old,
                                .old_serial = transfer->old.serial,
                                .file = &transfer->file};
}

static enum status ask_for_soa(struct transfer *transfer, struct fault *fault)
{
    struct zone_stream stream = question_of(transfer, DNS_TYPE_SOA);
    enum status st = ask(transfer, &stream, fault);
    zone_stream_free(&stream);
    return st;
}

static enum status fetch_zone(struct transfer *transfer, uint16_t type, struct fault *fault)
{
    struct zone_stream stream = question_of(transfer, type);
    enum status st = zone_file_reset(&transfer->file, fault);
    if (st == ST_OK)
        st = ask(transfer, &stream, fault);
    if (st == ST_OK && stream.incremental)
        st = zone_changes_apply(&stream.changes, transfer->request->old_fd,
                                (struct str){stream.soa_line.data, stream.soa_line.length}, &transfer->file, fault);
    zone_stream_free(&stream);
    return st;
}

static enum status run(struct transfer *transfer, struct fault *fault)
{
    const struct transfer_request *request = transfer->request;
    transfer->has_old = request->old_fd >= 0 && zone_file_soa(request->old_fd, request->zone, &transfer->old) == ST_OK;
    if (transfer->has_old) {
        enum status st = ask_for_soa(transfer, fault);
        if (st != ST_OK || transfer->result->not_modified)
            return st;
    }
    if (request->incremental && transfer->has_old) {
        struct fault why = {0};
        enum status st = fetch_zone(transfer, DNS_TYPE_IXFR, &why);
        if (st != ST_UNSUPPORTED)
            return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", why.text);
    }
    return fetch_zone(transfer, DNS_TYPE_AXFR, fault);
}

enum status zone_transfer(const struct transfer_request *request, int fd, struct progress *progress,
                          struct transfer_result *result, struct fault *fault)
{
    *result = (struct transfer_result){0};
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return fault_set(fault, ST_NOMEM, "out of memory");
    transfer->request = request;
    transfer->result = result;
    transfer->primary = primary_start(request->limits, progress);
    transfer->file = (struct zone_file){
        .fd = fd, .max_bytes = request->limits->max_bytes * TRANSFER_TEXT_RATIO, .max_records = TRANSFER_MAX_RECORDS};
    enum status st = run(transfer, fault);
    result->records = transfer->file.records;
    result->bytes = transfer->primary.bytes;
    struct fault ignored = {0};
    if (st != ST_OK && zone_file_reset(&transfer->file, &ignored) != ST_OK)
        fault_set(fault, ST_IO, "%s", ignored.text);
    zone_file_free(&transfer->file);
    free(transfer);
    return st;
}
