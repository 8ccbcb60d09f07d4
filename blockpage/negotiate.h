/* Which language and which form of answer fit a request. */
#pragma once

#include "message/http_head.h"

enum page_language { PAGE_EN, PAGE_JA };

/* By Accept-Language with its weights (RFC 9110 section 12.5.4, matched as RFC 4647 section 3.3.1 says): Japanese when
 * it is wanted more than English, or as much and named first; else English. */
enum page_language negotiate_language(const struct http_head *request);

enum page_form {
    PAGE_FORM_PAGE,    /* a person looks at it */
    PAGE_FORM_FRAME,   /* a part of someone's page: one line of HTML */
    PAGE_FORM_LINE,    /* a program that takes anything: one line of text */
    PAGE_FORM_PROBLEM, /* application/problem+json (RFC 9457) */
    PAGE_FORM_EMPTY,   /* image, font, script, style, preflight, upgrade */
};

/* By Sec-Fetch-Dest, which browsers send over https and to loopback only, else by Accept. */
enum page_form negotiate_form(const struct http_head *request);
