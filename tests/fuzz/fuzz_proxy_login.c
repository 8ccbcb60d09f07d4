/* What a client sends as its login, and the file of users: nothing past the end, and what is taken keeps its bounds.
 * The first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/proxy_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 20000)
        return 0;
    char *exact = malloc(size);
    CHECK(exact);
    memcpy(exact, data + 1, size - 1);
    struct str input = {exact, size - 1};
    if (data[0] % 2) {
        uint8_t plain[LOGIN_MAX_BYTES];
        struct str user, password;
        if (basic_login_parse(input, plain, &user, &password) == ST_OK)
            CHECK(user.length + password.length < LOGIN_MAX_BYTES && !memchr(user.data, ':', user.length));
    } else {
        struct proxy_users *users = NULL;
        struct fault fault = {0};
        enum status status = proxy_users_parse(input, "users", &users, &fault);
        CHECK((status == ST_OK) == (users != NULL) && (status == ST_OK) == !fault.text[0]);
        proxy_users_unref(users);
    }
    free(exact);
    return 0;
}
