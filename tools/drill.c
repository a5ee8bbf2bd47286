/*
 * drill.c - `tapio drill`: runs packetdrill scripts in virtual time, and says why one failed.
 *
 * The work is in src/sim/drill*.c. Here are the files, the options and the report: failures and
 * skips on stdout, one summary line at the end; with --json a row for each script on stdout and the
 * summary on stderr.
 */
#include "sim/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drill_files.h"
#include "os/os_sink.h"
#include "see/capture.h"
#include "verbs.h"

enum { EXIT_SKIPPED = 4, OPTIONS_MAX = 64 };

struct drill_verb {
    struct drill_option options[OPTIONS_MAX];
    uint32_t option_count;
    struct drill_define defines[OPTIONS_MAX];
    uint32_t define_count;
    struct script_list scripts;
    const char *trace, *record;
    bool json, allow_skip, verbose;
    struct os_sink talk, trace_out, record_out;
    struct octet_sink *recorder; /* NULL: nobody records */
    struct capture *capture;
    unsigned passed, failed, skipped;
};

static const char help[] =
    "usage: tapio drill [options] FILE.pkt|DIRECTORY ...\n"
    "\n"
    "Runs packetdrill scripts against a stack of our own: no root, no device, no waiting; time is\n"
    "virtual. A directory stands for every *.pkt below it, - for standard input.\n"
    "\n"
    "  --profile NAME        values to start from: linux (default), default, rfc, freebsd\n"
    "  --ip_version=V        ipv4 (default), ipv6, ipv4-mapped-ipv6\n"
    "  -D, --define N=V      the word N of the script means V\n"
    "  --json                a row of JSON for each script\n"
    "  --trace FILE          write an annotated capture (pcapng) of one script\n"
    "  --record FILE         write what one script plays and what comes, as lines of JSON\n"
    "  --allow-skip          a skipped script is no failure\n"
    "  -v                    print each event as it is played\n"
    "  --help                this text\n"
    "\n"
    "and packetdrill's own, which beat what a script says: --tolerance_usecs=N (4000)\n"
    "--tolerance_percent=N (12.5) --mtu=N --mss=N --local_ip=A --remote_ip=A --bind_port=N\n"
    "--connect_port=N --strict_segments --tcp_ts_tick_usecs=N --tcp_ts_ecr_scaled\n"
    "--non_fatal=packet --init_scripts=CMD,... --dry_run\n"
    "\n"
    "Exits 0 when all passed, 1 when one failed, 4 when one was skipped because it needs what is\n"
    "not there. docs/drill.md says what is.\n";

/* --- options ------------------------------------------------------------------------------ */

static int add_define(struct drill_verb *verb, char *text, struct refusal *refusal)
{
    char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return refuse(refusal, EXIT_USAGE, "-D %s: expected NAME=VALUE", text);
    if (verb->define_count == OPTIONS_MAX)
        return refuse(refusal, EXIT_USAGE, "-D: at most %d", OPTIONS_MAX);
    *equals = '\0';
    verb->defines[verb->define_count++] = (struct drill_define){text, equals + 1};
    return 0;
}

/* An option with its value in `value`, or NULL; *used tells that the next argument was it. */
static int take_option(struct drill_verb *verb, char *name, char *value, char *next, bool *used,
                       struct refusal *refusal)
{
    bool wants = strcmp(name, "trace") == 0 || strcmp(name, "record") == 0;
    bool ours = wants || strcmp(name, "json") == 0 || strcmp(name, "allow-skip") == 0;

    if (!ours && !drill_option_known(name, &wants))
        return refuse(refusal, EXIT_USAGE, "--%s: no such option; 'tapio drill --help' lists them",
                      name);
    if (!wants && value)
        return refuse(refusal, EXIT_USAGE, "--%s takes no value", name);
    if (wants && !value) {
        if (!next)
            return refuse(refusal, EXIT_USAGE, "--%s needs a value", name);
        value = next;
        *used = true;
    }
    if (strcmp(name, "json") == 0)
        verb->json = true;
    else if (strcmp(name, "allow-skip") == 0)
        verb->allow_skip = true;
    else if (strcmp(name, "trace") == 0)
        verb->trace = value;
    else if (strcmp(name, "record") == 0)
        verb->record = value;
    else if (value && strcmp(name, "define") == 0)
        return add_define(verb, value, refusal);
    else if (strcmp(name, "verbose") == 0)
        verb->verbose = true;
    else if (verb->option_count < OPTIONS_MAX)
        verb->options[verb->option_count++] = (struct drill_option){.name = name, .value = value};
    return 0;
}

static int take_argument(struct drill_verb *verb, char *argument, char *next, bool *used,
                         struct refusal *refusal)
{
    if (strncmp(argument, "--", 2) == 0) {
        char *value = strchr(argument, '=');
        if (value)
            *value++ = '\0';
        return take_option(verb, argument + 2, value, next, used, refusal);
    }
    if (strcmp(argument, "-v") == 0) {
        verb->verbose = true;
        return 0;
    }
    if (strncmp(argument, "-D", 2) == 0) {
        *used = !argument[2];
        if (*used && !next)
            return refuse(refusal, EXIT_USAGE, "-D needs NAME=VALUE");
        return add_define(verb, *used ? next : argument + 2, refusal);
    }
    if (strcmp(argument, "-") == 0)
        return script_list_add(&verb->scripts, "/dev/stdin", refusal);
    if (argument[0] == '-')
        return refuse(refusal, EXIT_USAGE, "%s: no such option; 'tapio drill --help' lists them",
                      argument);
    return script_list_add(&verb->scripts, argument, refusal);
}

static int read_arguments(struct drill_verb *verb, int argc, char **argv, bool *wants_help,
                          struct refusal *refusal)
{
    bool options = true;

    for (int i = 1; i < argc; i++) {
        bool used = false;
        int status;
        if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            *wants_help = true;
            return 0;
        }
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }
        if (options)
            status =
                take_argument(verb, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used, refusal);
        else
            status = script_list_add(&verb->scripts, argv[i], refusal);
        if (status)
            return status;
        i += used;
    }
    if (verb->scripts.count == 0)
        return refuse(refusal, EXIT_USAGE,
                      "drill: name a script or a directory; 'tapio drill --help' says more");
    if ((verb->trace || verb->record) && verb->scripts.count > 1)
        return refuse(refusal, EXIT_USAGE, "--%s: of one script at a time; %zu were given",
                      verb->trace ? "trace" : "record", verb->scripts.count);
    return 0;
}

/* --- proofs ------------------------------------------------------------------------------- */

/* "tests/conformance/rfc9293/open.pkt" is the test "rfc9293/open". */
static const char *test_name(const char *path, int *len)
{
    static const char house[] = "conformance/";
    const char *at = strstr(path, house);
    const char *slash = strrchr(path, '/');

    at = at ? at + sizeof(house) - 1 : slash ? slash + 1 : path;
    *len = (int)strlen(at);
    if (*len > 4 && strcmp(at + *len - 4, ".pkt") == 0)
        *len -= 4;
    return at;
}

/* Appends the ids of the lines "// PROVES RFC9293-MUST-4 ..." to the file that $TAPIO_PROOFS
 * names. */
static void write_proofs(const char *path, struct bytes text)
{
    static const char mark[] = "// PROVES ";
    const char *proofs = getenv("TAPIO_PROOFS");
    FILE *out = proofs ? fopen(proofs, "ae") : NULL;
    int name_len;
    const char *name = test_name(path, &name_len);
    const char *at = (const char *)text.at, *end = at + text.len;

    while (out && at < end) {
        const char *line = at, *eol = memchr(at, '\n', (size_t)(end - at));
        eol = eol ? eol : end;
        at = eol < end ? eol + 1 : end;
        if ((size_t)(eol - line) < sizeof(mark) - 1 || memcmp(line, mark, sizeof(mark) - 1) != 0)
            continue;
        for (const char *id = line + sizeof(mark) - 1; id < eol;) {
            const char *stop = id;
            while (stop < eol && *stop != ' ' && *stop != ',' && *stop != '\r')
                stop++;
            if (stop > id)
                fprintf(out, "%.*s\tdrill\t%.*s\tpass\n", (int)(stop - id), id, name_len, name);
            id = stop + 1;
        }
    }
    if (out)
        fclose(out);
}

/* --- the report --------------------------------------------------------------------------- */

static void print_json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            printf("\\n");
        else if (c < 0x20 || c >= 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_json(const char *path, const struct drill_result *result)
{
    static const char *const outcomes[] = {"pass", "fail", "skip"};

    printf("{\"schema\":1,\"script\":");
    print_json_string(path);
    printf(",\"result\":\"%s\",\"line\":%u,\"reason\":", outcomes[result->outcome], result->line);
    print_json_string(result->reason);
    printf(",\"skip\":");
    if (result->outcome == DRILL_SKIPPED)
        print_json_string(drill_skip_name(result->skip));
    else
        printf("null");
    printf(",\"details\":");
    print_json_string(result->report);
    printf(",\"events\":%u,\"virtual_ms\":%lld}\n", result->events,
           (long long)(result->virtual_ns / 1000000));
}

static void print_result(const struct drill_verb *verb, const char *path,
                         const struct drill_result *result)
{
    char line[16] = "";

    if (verb->json) {
        print_json(path, result);
        return;
    }
    if (result->line)
        snprintf(line, sizeof(line), ":%u", result->line);
    if (result->outcome == DRILL_FAILED)
        printf("%s%s: %s\n%s", path, line, result->reason, result->report);
    else if (result->outcome == DRILL_SKIPPED)
        printf("%s%s: skipped, %s: %s\n", path, line, drill_skip_name(result->skip),
               result->reason);
    else if (verb->verbose)
        printf("%s: passed, %u events in %lld.%03lld s of virtual time\n", path, result->events,
               (long long)(result->virtual_ns / 1000000000),
               (long long)(result->virtual_ns / 1000000 % 1000));
}

/* --- running ------------------------------------------------------------------------------ */

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int open_output(const char *path)
{
    return is_stdout(path) ? STDOUT_FILENO
                           : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static int open_record(struct drill_verb *verb, struct refusal *refusal)
{
    if (!verb->record)
        return 0;
    int fd = open_output(verb->record);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--record %s: %s", verb->record, strerror(errno));
    os_sink_init(&verb->record_out, fd);
    verb->recorder = &verb->record_out.sink;
    return 0;
}

static int open_trace(struct drill_verb *verb, struct refusal *refusal)
{
    if (!verb->trace)
        return 0;
    int fd = open_output(verb->trace);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--trace %s: %s", verb->trace, strerror(errno));
    verb->capture = malloc(sizeof(*verb->capture));
    if (!verb->capture)
        return refuse(refusal, EXIT_FAILURE, "--trace: no memory");
    os_sink_init(&verb->trace_out, fd);
    int err = capture_open(verb->capture, &verb->trace_out.sink,
                           &(struct pcapng_config){.device = "drill", .mono_base = DRILL_BEGIN});
    return err ? refuse(refusal, EXIT_FAILURE, "--trace %s: %s", verb->trace, strerror(-err)) : 0;
}

static void close_trace(struct drill_verb *verb, int64_t virtual_ns)
{
    if (!verb->capture)
        return;
    capture_close(verb->capture, instant_add(DRILL_BEGIN, virtual_ns));
    if (verb->capture->pcapng.errors)
        say("--trace %s: the capture ended early: %s", verb->trace,
            strerror(-verb->capture->pcapng.error));
    free(verb->capture);
    verb->capture = NULL;
}

static void run_text(struct drill_verb *verb, const char *path, struct bytes text,
                     struct drill_result *result)
{
    struct memory memory = {0};
    struct script_files files;

    script_files_init(&files, path);
    struct drill_config config = {
        .path = path,
        .text = text,
        .options = verb->options,
        .option_count = verb->option_count,
        .defines = verb->defines,
        .define_count = verb->define_count,
        .files = &files.files,
        .watch = verb->capture ? &verb->capture->sink : NULL,
        .talk = verb->verbose && !verb->json ? &verb->talk.sink : NULL,
        .record = verb->recorder,
    };
    fflush(stdout);
    if (drill(&config, &memory, result)) {
        *result = (struct drill_result){.outcome = DRILL_FAILED};
        snprintf(result->reason, sizeof(result->reason), "no memory");
    }
    script_files_fini(&files);
}

static void run_script(struct drill_verb *verb, const char *path)
{
    static struct drill_result result; /* not on the stack: it holds a report */
    union {
        const uint8_t *borrowed;
        void *ours;
    } octets;
    struct bytes text;
    int err = read_whole_file(path, true, &text);

    if (err) {
        result = (struct drill_result){.outcome = DRILL_FAILED};
        snprintf(result.reason, sizeof(result.reason), "%s", strerror(-err));
    } else {
        run_text(verb, path, text, &result);
        if (result.outcome == DRILL_PASSED)
            write_proofs(path, text);
        octets.borrowed = text.at;
        free(octets.ours);
    }
    verb->passed += result.outcome == DRILL_PASSED;
    verb->failed += result.outcome == DRILL_FAILED;
    verb->skipped += result.outcome == DRILL_SKIPPED;
    print_result(verb, path, &result);
    if (verb->capture)
        close_trace(verb, result.virtual_ns);
}

/* A value that cannot be is a mistake on the command line and no failure of every script: played
 * dry with nothing in it, a script has no mistakes of its own. */
static int check_options(struct drill_verb *verb, struct refusal *refusal)
{
    static const char nothing[] = "--dry_run\n0 `true`\n";
    struct drill_result result;
    bool verbose = verb->verbose;

    verb->verbose = false;
    run_text(verb, "command line", bytes_of(nothing, sizeof(nothing) - 1), &result);
    verb->verbose = verbose;
    return result.outcome == DRILL_FAILED ? refuse(refusal, EXIT_USAGE, "%s", result.reason) : 0;
}

static int run(struct drill_verb *verb, struct refusal *refusal)
{
    os_sink_init(&verb->talk, STDOUT_FILENO);
    if (check_options(verb, refusal) || open_trace(verb, refusal) || open_record(verb, refusal))
        return say_refusal(refusal);
    for (size_t i = 0; i < verb->scripts.count; i++)
        run_script(verb, verb->scripts.paths[i]);
    fflush(stdout);
    fprintf(verb->json || is_stdout(verb->trace) || is_stdout(verb->record) ? stderr : stdout,
            "%u passed, %u failed, %u skipped\n", verb->passed, verb->failed, verb->skipped);
    if (verb->failed)
        return EXIT_FAILURE;
    return verb->skipped && !verb->allow_skip ? EXIT_SKIPPED : EXIT_SUCCESS;
}

int verb_drill(int argc, char **argv)
{
    struct drill_verb verb = {0};
    struct refusal refusal;
    bool wants_help = false;
    int status = read_arguments(&verb, argc, argv, &wants_help, &refusal);

    if (status)
        status = say_refusal(&refusal);
    else if (wants_help)
        fputs(help, stdout);
    else
        status = run(&verb, &refusal);
    script_list_free(&verb.scripts);
    return status;
}
