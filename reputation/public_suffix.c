#include "reputation/public_suffix.h"

#include <libpsl.h>

bool public_suffix_is(const struct dname *name, bool private_too)
{
    char text[DNAME_TEXT_SIZE];
    dname_to_text(name, text);
    /* The list that is compiled into the library: nothing is read at run time. */
    return psl_is_public_suffix2(psl_builtin(), text, private_too ? PSL_TYPE_ANY : PSL_TYPE_ICANN);
}
