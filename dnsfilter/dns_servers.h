/* The name servers that an upstream's answer names: a forwarder asks none itself (RPZ sections 4.4 and 4.5). */
#pragma once

#include "message/dns_message.h"
#include "net/resolver.h"

/* Adds those of RESPONSE, which is well-formed: the targets of its NS records, and their addresses. What does not fit
 * is left out. */
void dns_servers_add(struct resolver_servers *servers, const uint8_t *response, size_t n,
                     const struct dns_message *message);
