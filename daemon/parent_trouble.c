#include "daemon/parent_trouble.h"

#include "base/log.h"

const char *parent_trouble_text(enum origin_result trouble)
{
    switch (trouble) {
    case ORIGIN_PARENT_TIMEOUT:
        return "does not answer in time";
    case ORIGIN_PARENT_LOGIN:
        return "wants another login, or any: proxy.parent-login says where that is";
    case ORIGIN_PARENT_REFUSED:
        return "refuses to connect to any server; its log may say why";
    case ORIGIN_PARENT_MALFORMED:
        return "answers what is no answer of such a proxy: look at the scheme and port in proxy.parent";
    default:
        return "cannot be reached";
    }
}

void parent_trouble_step(struct parent_watch *watch, const char *url, enum origin_result *told)
{
    enum origin_result trouble = parent_watch_trouble(watch);
    if (trouble == *told)
        return;
    if (trouble == ORIGIN_CONNECTED)
        log_info("the parent proxy %s does its work again", url);
    else
        log_warning("the parent proxy %s %s", url, parent_trouble_text(trouble));
    *told = trouble;
}
