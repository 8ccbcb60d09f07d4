/* The page that tells people how to set up browsers and programs, in English or Japanese by Accept-Language. */
#pragma once

#include "console/proxy_pac.h"
#include "net/http_server.h"

extern const struct str embedded_setup_en_html, embedded_setup_ja_html;

/* It names the addresses as the one who asks can reach them. */
void setup_page_answer(struct http_exchange *exchange, const struct proxy_pac *pac);
