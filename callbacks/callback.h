/* A callback: one C&C contact that was seen, blocked or logged. Plain data of a fixed size, so that it crosses from a
 * worker to the control thread without allocation. */
#pragma once

#include "policy/verdict.h"

enum channel { CHANNEL_DNS, CHANNEL_HTTP, CHANNEL_CONNECT, CHANNEL_TLS, CHANNEL_IP, CHANNEL_PAGE, CHANNEL_SOCKS };
enum match {
    MATCH_QNAME,
    MATCH_CNAME,
    MATCH_SVCB,
    MATCH_ANSWER_IP,
    MATCH_HOST,
    MATCH_URL,
    MATCH_SNI,
    MATCH_ORIGIN_IP,
    MATCH_DGA,
    MATCH_CLIENT_IP,
    MATCH_NS_NAME,
    MATCH_NS_IP,
    MATCH_PTR,
    MATCH_MISMATCH, /* nothing is listed: the name in a tunnel's TLS hello is not the tunnel's host */
};
const char *channel_text(enum channel channel); /* "dns", "http", "connect", "tls", "ip", "page", "socks" */
const char *match_text(enum match match);       /* "qname", "answer-ip", ... */

enum { CALLBACK_SUBJECT_SIZE = 512, CALLBACK_METHOD_SIZE = 16, CALLBACK_LOGIN_SIZE = 129 };

struct callback {
    int64_t time_ms;                 /* wall */
    struct addr client;              /* with its port, by which a local process is found */
    struct addr local;               /* our end */
    char login[CALLBACK_LOGIN_SIZE]; /* as whom the client logged in to the proxy; printable text; empty: it did not */
    bool udp;
    enum channel channel;
    enum match match;
    uint64_t count;                      /* hits that this record stands for */
    char subject[CALLBACK_SUBJECT_SIZE]; /* as asked: name, URL, address; printable text */
    char method[CALLBACK_METHOD_SIZE];   /* HTTP; empty: none */
    uint16_t status;                     /* HTTP; 0: none */
    struct verdict verdict;
};
