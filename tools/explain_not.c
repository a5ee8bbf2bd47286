/*
 * explain_not.c - `tapio explain` in a build without libpcap.
 */
#include <stdlib.h>

#include "talk.h"
#include "verbs.h"

int verb_explain(int argc, char **argv)
{
    (void)argc, (void)argv;
    say("explain: this was built without libpcap, which reads captures; install libpcap-dev and "
        "build again");
    return EXIT_FAILURE;
}
