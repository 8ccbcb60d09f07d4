#include "proxy/http_report.h"

#include <string.h>

#include "blockpage/report_form.h"
#include "proxy/http_verdict.h"

struct http_report {
    struct http_body framing;
    size_t length;
    char body[REPORT_BODY_MAX_BYTES];
};

bool http_report_is_one(const struct http_txn *txn)
{
    return txn->proxy->judge->reports && !txn->is_connect && report_form_is_one(&txn->head);
}

enum next http_report_begin(struct http_txn *txn, const struct http_finding *finding)
{
    struct http_report *report = arena_alloc(txn->arena, sizeof *report);
    if (!report || !http_txn_keep_finding(txn, finding))
        return http_txn_refuse(txn, finding);
    report->length = 0;
    http_body_init(&report->framing, &txn->head);
    txn->report = report;
    txn->timed_out = false;
    timer_start(txn->timer, txn->proxy->settings->head_timeout_ms);
    if (txn->head.expect_continue) {
        buf_add_text(&txn->proxy->out, "HTTP/1.1 100 Continue\r\n\r\n");
        if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
            return http_txn_finish(txn, HTTP_END_ABORT);
    }
    return http_txn_go_to(txn, STEP_REPORT);
}

/* It ends the connection: what follows it is not worth being read. */
static enum next answer(struct http_txn *txn, bool too_large)
{
    struct page_facts facts = http_verdict_facts(txn, &txn->finding->verdict);
    struct str body = {txn->report->body, txn->report->length};
    struct buf *out = &txn->proxy->out;
    bool known = false;
    timer_stop(txn->timer);
    txn->proxy->counters.blocked++;
    access_note_verdict(txn, ACCESS_BLOCKED);
    if (too_large)
        report_form_too_large(out, &txn->head, &facts);
    else
        known = report_form_answer(out, &txn->head, body, &facts, false);
    if (!known)
        http_verdict_record(txn, txn->finding, 403);
    return http_txn_finish(txn, http_txn_send_out(txn, txn->client->stream) == ST_OK ? HTTP_END_CLOSE : HTTP_END_ABORT);
}

enum next http_step_report(struct http_txn *txn)
{
    struct http_report *report = txn->report;
    struct stream *client = txn->client->stream;
    size_t taken = 1;
    while (taken && !report->framing.done) {
        struct str data;
        if (http_body_take(&report->framing, stream_input(client), &taken, &data) != ST_OK)
            return http_txn_answer(txn, ANSWER_BAD_BODY);
        if (data.length > sizeof report->body - report->length)
            return answer(txn, true);
        if (data.length)
            memcpy(report->body + report->length, data.data, data.length);
        report->length += data.length;
        stream_consume(client, taken);
    }
    if (report->framing.done)
        return answer(txn, false);
    if (txn->timed_out)
        return http_txn_answer(txn, ANSWER_HEAD_TIMEOUT);
    return stream_saw_eof(client) ? http_txn_finish(txn, HTTP_END_CLOSE) : WAIT;
}
