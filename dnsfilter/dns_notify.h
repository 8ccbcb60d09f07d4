/* NOTIFY (RFC 1996): a primary says that there is a newer version of a zone. Taken for the zones, and from the
 * addresses, of a table that all workers and the control thread share; no one ever waits for another. */
#pragma once

#include "message/dns_message.h"

struct dns_notify_zone {
    struct dname name;
    struct addr primary; /* without regard to the port: a NOTIFY may come from any */
};

struct dns_notify;

/* Copies ZONES. One reference, the caller's; NULL when out of memory. */
struct dns_notify *dns_notify_new(const struct dns_notify_zone *zones, size_t count) MUST_CHECK;
struct dns_notify *dns_notify_ref(struct dns_notify *notify); /* any thread, as all below */
void dns_notify_unref(struct dns_notify *notify);             /* NULL is allowed */

/* The reply to PACKET, whose header is in MESSAGE and has opcode NOTIFY; its length. NOERROR, and remembered for
 * dns_notify_take(), where the table has the zone with FROM; else REFUSED or FORMERR, a header alone. NOTIFY may be
 * NULL: none is taken. A signature is not looked at, as all that a NOTIFY leads to is a question to the primary. */
size_t dns_notify_answer(struct dns_notify *notify, const struct addr *from, const uint8_t *packet, size_t n,
                         struct dns_message *message, uint8_t *out, size_t size);

/* Whether FROM is the primary of any zone. */
bool dns_notify_expects(const struct dns_notify *notify, const struct addr *from);

/* Whether a NOTIFY came for the INDEXth zone since it was asked last. */
bool dns_notify_take(struct dns_notify *notify, size_t index);
