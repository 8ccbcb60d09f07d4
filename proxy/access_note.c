#include "proxy/access_note.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/http_client.h"

struct access_tunnel {
    struct access_entry entry;
    int64_t begun_ms;
    struct buf record; /* the entry's texts live in it */
};

static struct access_log *log_of(const struct http_txn *txn)
{
    return txn->proxy->settings->access;
}

void access_note_begin(struct http_txn *txn)
{
    if (log_of(txn))
        txn->access = (struct access_note){.time_ms = clock_wall_ms(), .begun_ms = clock_mono_ms()};
}

/* We wrote it: "HTTP/1.1 403 Forbidden". */
void access_note_answer(struct http_txn *txn, const struct buf *out)
{
    static const size_t status_at = sizeof "HTTP/1.1 " - 1; /* else it speaks to a client of SOCKS */
    uint64_t status;
    if (!log_of(txn) || out->length < status_at + 3 || memcmp(out->data, "HTTP/1.1 ", status_at) != 0 ||
        text_u64((struct str){out->data + status_at, 3}, 999, &status) != ST_OK || (status < 200 && status != 101))
        return;
    const char *end = memmem(out->data, out->length, "\r\n\r\n", 4);
    txn->access.status = (unsigned)status;
    txn->access.answer_bytes = end ? out->length - (size_t)(end + 4 - out->data) : 0;
}

void access_note_verdict(struct http_txn *txn, enum access_verdict verdict)
{
    if (verdict > txn->access.verdict)
        txn->access.verdict = verdict;
}

static struct str field_of(const struct http_head *head, struct str name)
{
    const struct http_field *field = http_field_find(head, name);
    return field ? field->value : (struct str){0};
}

static struct access_entry entry_of(const struct http_txn *txn)
{
    const struct http_head *head = &txn->head;
    struct access_entry entry = {.time_ms = txn->access.time_ms,
                                 .duration_ms = clock_mono_ms() - txn->access.begun_ms,
                                 .client = txn->client->peer,
                                 .verdict = txn->access.verdict,
                                 .status = txn->access.status,
                                 .version_minor = head->version_minor,
                                 .is_connect = txn->is_connect,
                                 .sent_bytes = txn->access.answer_bytes + txn->download.passed_bytes,
                                 .received_bytes = txn->upload.passed_bytes};
    entry.texts[ACCESS_USER] = txn->login;
    if (!head->is_request || txn->access.is_malformed) /* the parts of what was none are not what they seem */
        return entry;
    entry.texts[ACCESS_METHOD] = txn->is_connect ? STR("CONNECT") : head->method; /* by other doors too */
    entry.texts[ACCESS_TARGET] = head->target;
    entry.texts[ACCESS_HOST] = head->host;
    entry.texts[ACCESS_REFERER] = field_of(head, STR("referer"));
    entry.texts[ACCESS_AGENT] = field_of(head, STR("user-agent"));
    return entry;
}

static void keep_for_tunnel(struct http_client *client, const struct access_entry *entry, int64_t begun_ms)
{
    struct access_tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (!tunnel)
        return;
    access_record_build(&tunnel->record, entry);
    struct str record = {tunnel->record.data, tunnel->record.length};
    if (tunnel->record.failed || access_record_parse(record, &tunnel->entry) != ST_OK) {
        buf_free(&tunnel->record);
        free(tunnel);
        return;
    }
    tunnel->begun_ms = begun_ms;
    client->access = tunnel;
}

void access_note_end(struct http_txn *txn)
{
    bool asked = txn->raw.length || txn->is_connect || txn->access.status;
    if (!log_of(txn) || !asked) /* a client that went before its request was whole */
        return;
    struct access_entry entry = entry_of(txn);
    if (txn->end == HTTP_END_TUNNEL)
        keep_for_tunnel(txn->client, &entry, txn->access.begun_ms);
    else
        access_log_put(log_of(txn), &entry);
}

void access_tunnel_verdict(struct http_client *client, enum access_verdict verdict)
{
    if (client->access && verdict > client->access->entry.verdict)
        client->access->entry.verdict = verdict;
}

void access_tunnel_ech(struct http_client *client)
{
    if (client->access)
        client->access->entry.has_ech = true;
}

void access_tunnel_count(struct http_client *client)
{
    struct access_tunnel *tunnel = client->access;
    if (tunnel && client->tunnel)
        http_tunnel_bytes(client->tunnel, &tunnel->entry.received_bytes, &tunnel->entry.sent_bytes);
}

void access_tunnel_end(struct http_client *client)
{
    struct access_tunnel *tunnel = client->access;
    if (!tunnel)
        return;
    access_tunnel_count(client);
    client->access = NULL;
    tunnel->entry.duration_ms = clock_mono_ms() - tunnel->begun_ms;
    access_log_put(client->proxy->settings->access, &tunnel->entry);
    buf_free(&tunnel->record);
    free(tunnel);
}
