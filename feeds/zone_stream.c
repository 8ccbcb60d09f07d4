#include "feeds/zone_stream.h"

#include <string.h>

#include "feeds/lines.h"

enum { META_FROM = 128, META_TO = 255 }; /* types of questions and messages alone: RFC 6895 section 3.1 */

void zone_stream_free(struct zone_stream *stream)
{
    buf_free(&stream->soa_line);
    buf_free(&stream->line);
    zone_changes_free(&stream->changes);
}

static const char *rcode_text(unsigned rcode)
{
    static const char *const texts[] = {
        [DNS_RCODE_FORMERR] = "FORMERR", [DNS_RCODE_SERVFAIL] = "SERVFAIL", [DNS_RCODE_NXDOMAIN] = "NXDOMAIN",
        [DNS_RCODE_NOTIMP] = "NOTIMP",   [DNS_RCODE_REFUSED] = "REFUSED",   [DNS_RCODE_NOTAUTH] = "NOTAUTH",
    };
    const char *text = rcode < sizeof texts / sizeof texts[0] ? texts[rcode] : NULL;
    return text ? text : "an error";
}

static enum status refused(const struct zone_stream *stream, unsigned rcode, struct fault *fault)
{
    bool cannot = rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP || rcode == DNS_RCODE_REFUSED;
    const char *hint = rcode == DNS_RCODE_REFUSED   ? ": it must allow transfers to this machine, or with the key"
                       : rcode == DNS_RCODE_NOTAUTH ? ": it does not serve this zone, or does not take the key"
                                                    : "";
    return fault_set(fault, stream->type == DNS_TYPE_IXFR && cannot ? ST_UNSUPPORTED : ST_UNAVAILABLE,
                     "the primary answers %s (%u)%s", rcode_text(rcode), rcode, hint);
}

static enum status malformed(const char *what, struct fault *fault)
{
    return fault_set(fault, ST_INVALID, "the primary's answer is malformed: %s", what);
}

/* The line of RECORD in stream->line. */
static enum status write_line(struct zone_stream *stream, const uint8_t *packet, const struct dns_record *record,
                              struct fault *fault)
{
    buf_clear(&stream->line);
    stream->line.max_bytes = LINE_MAX_BYTES;
    if (zone_text_add(&stream->line, packet, record) != ST_OK)
        return malformed("a record's data is not as its type has it", fault);
    return stream->line.failed ? fault_set(fault, ST_TOO_LARGE, "a record of it is larger than one may be") : ST_OK;
}

static struct str line_of(const struct buf *line)
{
    return (struct str){line->data, line->length};
}

static bool is_newest_soa(const struct zone_stream *stream)
{
    return !zone_text_compare(line_of(&stream->line), line_of(&stream->soa_line));
}

static enum status begin_zone(struct zone_stream *stream, struct fault *fault)
{
    stream->state = ZONE_STREAM_ZONE;
    return zone_file_add(stream->file, line_of(&stream->soa_line), fault);
}

static enum status end_zone(struct zone_stream *stream, struct fault *fault)
{
    stream->state = ZONE_STREAM_END;
    return zone_file_flush(stream->file, fault);
}

static enum status take_start(struct zone_stream *stream, const uint8_t *packet, const struct dns_record *record,
                              struct fault *fault)
{
    if (record->type != DNS_TYPE_SOA)
        return malformed("it does not begin with the zone's SOA", fault);
    stream->soa = zone_soa_read(packet, record);
    stream->serial = stream->old_serial;
    buf_add(&stream->soa_line, stream->line.data, stream->line.length);
    if (stream->soa_line.failed)
        return fault_set(fault, ST_NOMEM, "out of memory");
    uint32_t serial = stream->soa.serial;
    stream->unchanged = stream->has_old && serial == stream->old_serial;
    if (stream->has_old && !stream->unchanged && !serial_is_after(serial, stream->old_serial))
        return fault_set(fault, ST_INVALID,
                         "the primary's serial %u is behind ours, %u: it was set back, or this primary is late", serial,
                         stream->old_serial);
    if (stream->type == DNS_TYPE_SOA || stream->unchanged) {
        stream->state = ZONE_STREAM_END;
        return ST_OK;
    }
    if (stream->type == DNS_TYPE_AXFR || !stream->has_old)
        return begin_zone(stream, fault);
    stream->state = ZONE_STREAM_SECOND;
    return ST_OK;
}

static enum status take_of_zone(struct zone_stream *stream, const struct dns_record *record, struct fault *fault)
{
    if (record->type != DNS_TYPE_SOA)
        return zone_file_add(stream->file, line_of(&stream->line), fault);
    if (!is_newest_soa(stream))
        return malformed("it ends with another SOA than it began with", fault);
    return end_zone(stream, fault);
}

static enum status take_second(struct zone_stream *stream, const uint8_t *packet, const struct dns_record *record,
                               struct fault *fault)
{
    if (record->type == DNS_TYPE_SOA && zone_soa_read(packet, record).serial == stream->old_serial) {
        stream->incremental = true;
        stream->state = ZONE_STREAM_REMOVED;
        return ST_OK;
    }
    enum status st = begin_zone(stream, fault);
    return st == ST_OK ? take_of_zone(stream, record, fault) : st;
}

static enum status inconsistent(struct fault *fault)
{
    return fault_set(fault, ST_UNSUPPORTED, "the primary's differences do not follow one another");
}

/* In the midst of differences. */
static enum status take_change(struct zone_stream *stream, const uint8_t *packet, const struct dns_record *record,
                               struct fault *fault)
{
    bool added = stream->state == ZONE_STREAM_ADDED;
    if (record->type != DNS_TYPE_SOA) {
        enum status st = zone_changes_add(&stream->changes, added, line_of(&stream->line));
        return st == ST_TOO_LARGE ? fault_set(fault, ST_UNSUPPORTED, "the differences are too many")
               : st != ST_OK      ? fault_set(fault, st, "out of memory")
                                  : ST_OK;
    }
    uint32_t serial = zone_soa_read(packet, record).serial;
    if (!added) { /* the version that the additions lead to */
        if (!serial_is_after(serial, stream->serial))
            return inconsistent(fault);
        stream->serial = serial;
        stream->state = ZONE_STREAM_ADDED;
        return ST_OK;
    }
    if (serial != stream->serial)
        return inconsistent(fault);
    if (serial != stream->soa.serial) {
        stream->state = ZONE_STREAM_REMOVED;
        return ST_OK;
    }
    stream->state = ZONE_STREAM_END;
    return is_newest_soa(stream) ? ST_OK : malformed("it ends with another SOA than it began with", fault);
}

static enum status take_record(struct zone_stream *stream, const uint8_t *packet, const struct dns_record *record,
                               struct fault *fault)
{
    uint16_t type = record->type;
    if (stream->state == ZONE_STREAM_END)
        /* Who has no differences to tell may send the whole zone, which is of no use where we have it. */
        return stream->unchanged || stream->type == DNS_TYPE_SOA ? ST_OK
                                                                 : malformed("it goes on behind its end", fault);
    if (record->class != DNS_CLASS_IN || !type || type == DNS_TYPE_OPT || (type >= META_FROM && type <= META_TO))
        return malformed("a record is of a class or type that no zone has", fault);
    if (!dname_is_within(&record->owner, stream->zone) ||
        (type == DNS_TYPE_SOA && record->owner.length != stream->zone->length))
        return malformed("a record is not in the zone", fault);
    enum status st = write_line(stream, packet, record, fault);
    if (st != ST_OK)
        return st;
    switch (stream->state) {
    case ZONE_STREAM_START:
        return take_start(stream, packet, record, fault);
    case ZONE_STREAM_SECOND:
        return take_second(stream, packet, record, fault);
    case ZONE_STREAM_ZONE:
        return take_of_zone(stream, record, fault);
    default:
        return take_change(stream, packet, record, fault);
    }
}

static enum status take_answer(struct zone_stream *stream, const uint8_t *packet, size_t n,
                               const struct dns_message *message, struct fault *fault)
{
    struct dns_walk walk = dns_walk_start(packet, n, message);
    struct dns_record record;
    for (unsigned left = message->header.ancount; left && dns_walk_next(&walk, &record); left--) {
        enum status st = take_record(stream, packet, &record, fault);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* RFC 5936 section 2.2: what every message must be. */
static enum status check_message(const struct zone_stream *stream, const struct dns_message *message,
                                 struct fault *fault)
{
    const struct dns_question *question = &message->question;
    unsigned rcode = dns_header_rcode(&message->header) | (unsigned)message->edns.extended_rcode << 4;
    if (rcode)
        return refused(stream, rcode, fault);
    if (message->header.flags & DNS_FLAG_TC)
        return malformed("it is marked as truncated", fault);
    if (!question->name.length ? stream->messages == 1
                               : question->type != stream->type || question->class != DNS_CLASS_IN ||
                                     !dname_equal(&question->name, stream->zone))
        return malformed("it answers another question", fault);
    /* A mere resolver may have an old one from its cache. */
    if (stream->type == DNS_TYPE_SOA && !(message->header.flags & DNS_FLAG_AA))
        return fault_set(fault, ST_UNAVAILABLE, "the primary is none: it does not answer with authority");
    if (!message->header.ancount && stream->type == DNS_TYPE_SOA)
        return fault_set(fault, ST_UNAVAILABLE, "the primary has no such zone");
    return message->header.ancount ? ST_OK : malformed("a message has no records", fault);
}

static enum status check_signature(struct zone_stream *stream, const uint8_t *packet, size_t n,
                                   const struct dns_message *message, int64_t now_s, struct fault *fault)
{
    struct tsig_record record;
    enum status found = tsig_find(packet, n, message, &record);
    if (!stream->tsig)
        return found == ST_NOT_FOUND ? ST_OK : malformed("it is signed, but we did not sign", fault);
    /* An error is told without a signature by those who do not get that far. */
    if (found == ST_NOT_FOUND && dns_header_rcode(&message->header))
        return ST_OK;
    return tsig_take(stream->tsig, packet, n, message, now_s, fault);
}

enum status zone_stream_take(struct zone_stream *stream, const uint8_t *packet, size_t n, int64_t now_s,
                             struct fault *fault)
{
    struct dns_message message;
    if (dns_transfer_parse(packet, n, &message) != ST_OK)
        return malformed("it is no DNS message, or a record in it is broken", fault);
    if (message.header.id != stream->id)
        return malformed("it has another number than the question", fault);
    stream->messages++;
    enum status st = check_signature(stream, packet, n, &message, now_s, fault);
    if (st == ST_OK)
        st = check_message(stream, &message, fault);
    if (st == ST_OK)
        st = take_answer(stream, packet, n, &message, fault);
    if (st == ST_OK && stream->state == ZONE_STREAM_END && stream->tsig)
        st = tsig_end(stream->tsig, fault);
    return st;
}
