/* The test hosts that vendors of filters publish, so that people can see a filter act without a risk. */
#pragma once

#include <stddef.h>

#include "reputation/record.h"

#define TEST_HOSTS_NAME "test-hosts"

struct test_host {
    const char *name; /* covers what is below it; NULL: url */
    const char *url;  /* where the host itself is shared or must stay reachable */
    enum category category;
    enum risk risk;
    const char *vendor, *family;
};

/* What the vendors say should be blocked. Hosts that they want to be reachable (negative controls) are not in it. */
const struct test_host *test_hosts(size_t *count);
