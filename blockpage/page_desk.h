/* Answers requests that were led to us instead of a blocked host: judged again, answered with the page, recorded. */
#pragma once

#include "callbacks/judge.h"
#include "net/http_server.h"

struct page_desk {
    struct judge *judge;
    const char *contact; /* see struct page_facts */
    bool https;          /* the requests came by TLS */
};

/* A handler of net/http_server.h; ARG is a struct page_desk. */
void page_desk_answer(void *arg, struct http_exchange *exchange);
/* For servers that it answers for: the body of a report is read, no other. */
extern const struct http_server_settings page_desk_settings;
