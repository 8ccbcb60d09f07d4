/* The block page's form, sent to a host that is blocked (blockpage/report_form.h): its body is read, and answered. */
#pragma once

#include "proxy/http_steps.h"

bool http_report_is_one(const struct http_txn *txn);
/* FINDING is why the host is blocked. */
enum next http_report_begin(struct http_txn *txn, const struct http_finding *finding);
enum next http_step_report(struct http_txn *txn);
