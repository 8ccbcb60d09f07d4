#include "reputation/url_expression.h"

#include <string.h>

enum { MAX_SUFFIX_LABELS = 5, MAX_DIRECTORIES = 4 };

size_t url_host_skips(const struct canonical_url *url, unsigned host_labels, unsigned skips[URL_MAX_HOSTS])
{
    size_t n = 0;
    skips[n++] = 0;
    if (url->host_is_address || host_labels <= 2)
        return n;
    unsigned left = host_labels - 1 < MAX_SUFFIX_LABELS ? host_labels - 1 : MAX_SUFFIX_LABELS;
    for (; left >= 2; left--)
        skips[n++] = host_labels - left;
    return n;
}

size_t url_path_lengths(const struct canonical_url *url, size_t lengths[URL_MAX_PATHS])
{
    size_t n = 0;
    if (url->query.length)
        lengths[n++] = url->path.length + url->query.length;
    lengths[n++] = url->path.length;
    unsigned directories = 0;
    for (size_t i = 0; i + 1 < url->path.length && directories < MAX_DIRECTORIES; i++) {
        if (url->path.data[i] != '/')
            continue;
        lengths[n++] = i + 1;
        directories++;
    }
    return n;
}
