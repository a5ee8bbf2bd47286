/* proves.c - see proves.h. */
#include "support/proves.h"

#include <stdio.h>
#include <stdlib.h>

static const char *suite_name = "?";

void proves_write(const char *test, const char *const *ids, size_t count)
{
    const char *path = getenv("TAPIO_PROOFS");
    FILE *out = path ? fopen(path, "ae") : NULL;
    if (!out)
        return;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\t%s\t%s\tpass\n", ids[i], suite_name, test);
    fclose(out);
}

int run_suite(Suite *suite, const char *name)
{
    suite_name = name;
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
