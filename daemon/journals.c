#include "daemon/journals.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "callbacks/report_list.h"

enum {
    REPORTS_MS = 1000, /* between two looks: the queue is written as a whole */
    REPORTS_BATCH = 64,
};

struct journals {
    const struct config *config;
    struct access_file *access; /* NULL: none is kept */
    struct report_office *office;
    int64_t reports_ms;
    bool reports_failing; /* that was told */
    struct report reports[REPORTS_BATCH];
};

enum status journals_check(const struct config *config, struct fault *fault)
{
    enum status status = config->proxy.access_log[0] ? access_file_check(config->proxy.access_log, fault) : ST_OK;
    if (status != ST_OK)
        config_place_fault(config, fault);
    return status;
}

enum status journals_open(const struct config *config, struct journals **out, struct fault *fault)
{
    struct journals *journals = calloc(1, sizeof *journals);
    if (!journals)
        return fault_set(fault, ST_NOMEM, "out of memory");
    journals->config = config;
    struct access_settings access = {.path = config->proxy.access_log,
                                     .format = (enum access_format)config->proxy.access_format,
                                     .privacy = (enum access_privacy)config->proxy.access_privacy};
    enum status status = report_office_new(&journals->office, fault);
    if (status == ST_OK && access.path[0])
        status = access_file_open(&access, &journals->access, fault);
    if (status == ST_OK) {
        *out = journals;
        return ST_OK;
    }
    config_place_fault(config, fault);
    journals_close(journals);
    return status;
}

enum status journals_add_worker(struct journals *journals, struct worker_settings *settings)
{
    settings->reports = report_office_add_box(journals->office);
    settings->access = journals->access ? access_file_add_log(journals->access) : NULL;
    return settings->reports && (settings->access || !journals->access) ? ST_OK : ST_NOMEM;
}

/* --- Reports --- */

static void tell_lost(uint64_t lost)
{
    if (lost)
        log_warning("%llu report%s of false positives could not be taken: `ccward reports` shows those that wait, and "
                    "`ccward reports done` makes room",
                    (unsigned long long)lost, text_plural(lost));
}

static int by_time(const void *a, const void *b)
{
    const struct report *left = a, *right = b;
    return (left->time_ms > right->time_ms) - (left->time_ms < right->time_ms);
}

/* Those of several workers come in no order. */
static size_t gather_reports(struct journals *journals, struct report reports[REPORTS_BATCH], uint64_t *lost)
{
    size_t count = 0;
    while (count < REPORTS_BATCH && report_office_take(journals->office, &reports[count], lost))
        count++;
    qsort(reports, count, sizeof reports[0], by_time);
    return count;
}

static void take_reports(struct journals *journals, struct report_list *list)
{
    struct fault fault = {0};
    uint64_t taken = 0, lost = 0;
    size_t count = gather_reports(journals, journals->reports, &lost);
    for (size_t i = 0; i < count; i++) {
        bool added = report_list_add(list, &journals->reports[i]);
        taken += added;
        lost += !added;
    }
    if (taken && report_list_save(list, &fault) != ST_OK) {
        log_error("%s", fault.text);
        lost += taken;
    } else if (taken) {
        log_info("%llu report%s of a false positive came in: `ccward reports` shows %s", (unsigned long long)taken,
                 text_plural(taken), taken == 1 ? "it" : "them");
    }
    tell_lost(lost);
}

/* What cannot be written now waits in the boxes, which are bounded. */
static void write_reports(struct journals *journals, bool last)
{
    struct report_list *list;
    struct fault fault = {0};
    if (!report_office_has_any(journals->office))
        return;
    enum status status = report_list_open(journals->config->state_dir, last, &list, &fault);
    if (status != ST_OK && status != ST_BUSY && !journals->reports_failing)
        log_error("reports of false positives wait: %s", fault.text);
    journals->reports_failing = status != ST_OK && status != ST_BUSY;
    if (status != ST_OK)
        return;
    take_reports(journals, list);
    report_list_free(list);
}

void journals_step(struct journals *journals, int64_t now_ms)
{
    if (journals->access)
        access_file_step(journals->access, now_ms);
    if (now_ms - journals->reports_ms < REPORTS_MS)
        return;
    journals->reports_ms = now_ms;
    write_reports(journals, false);
}

void journals_reopen(struct journals *journals)
{
    if (journals->access)
        access_file_reopen(journals->access);
}

void journals_close(struct journals *journals)
{
    if (!journals)
        return;
    if (journals->office)
        write_reports(journals, true);
    report_office_free(journals->office);
    access_file_close(journals->access);
    free(journals);
}
