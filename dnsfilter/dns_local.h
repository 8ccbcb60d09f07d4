/* Answers from the records that a policy zone has for a name (policy_data()): local data of RPZ section 3.6. */
#pragma once

#include "dnsfilter/dns_answer.h"

/* What a query's name is made an alias of, by a policy zone or for safe search; what the target has is looked for and
 * given behind it. */
struct dns_alias {
    struct dname target;
    uint32_t ttl_s;
    char why[DNS_NOTE_SIZE];
    int code, sub_error; /* as in struct dns_note, for WHY */
    const char *contact; /* likewise; lives as long as the server */
};

/* Whether DATA makes an alias of the question's name whose target a resolver would go on to. */
bool dns_local_alias(struct str data, const struct dns_question *question, struct dns_alias *alias);

/* What DATA has of the type asked for, or else NODATA; YXDOMAIN where an alias' target would be too long. SIZE: of OUT;
 * LIMIT: what the client takes. Returns the length. */
size_t dns_local_answer(uint8_t *out, size_t size, size_t limit, const struct dns_message *query, struct str data,
                        const struct dns_settings *settings, const struct verdict *verdict);

/* ALIAS, and behind it the answer that RESPONSE, of N bytes, has for its target; not in OUT. Returns the length; 0: it
 * does not fit. */
size_t dns_local_join(uint8_t *out, size_t size, size_t limit, const struct dns_message *query,
                      const struct dns_alias *alias, const uint8_t *response, size_t n);
