#include "callbacks/callback.h"

const char *channel_text(enum channel channel)
{
    switch (channel) {
    case CHANNEL_DNS:
        return "dns";
    case CHANNEL_HTTP:
        return "http";
    case CHANNEL_CONNECT:
        return "connect";
    case CHANNEL_TLS:
        return "tls";
    case CHANNEL_IP:
        return "ip";
    case CHANNEL_PAGE:
        return "page";
    case CHANNEL_SOCKS:
        return "socks";
    }
    return "?";
}

const char *match_text(enum match match)
{
    switch (match) {
    case MATCH_QNAME:
        return "qname";
    case MATCH_CNAME:
        return "cname";
    case MATCH_SVCB:
        return "svcb";
    case MATCH_ANSWER_IP:
        return "answer-ip";
    case MATCH_HOST:
        return "host";
    case MATCH_URL:
        return "url";
    case MATCH_SNI:
        return "sni";
    case MATCH_ORIGIN_IP:
        return "origin-ip";
    case MATCH_DGA:
        return "dga";
    case MATCH_CLIENT_IP:
        return "client-ip";
    case MATCH_NS_NAME:
        return "nsdname";
    case MATCH_NS_IP:
        return "nsip";
    case MATCH_PTR:
        return "ptr";
    case MATCH_MISMATCH:
        return "mismatch";
    }
    return "?";
}
