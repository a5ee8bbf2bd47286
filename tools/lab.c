/*
 * lab.c - `tapio lab [NAME]`: guided experiments.
 *
 * The stacks of a lab live in virtual time, so nothing is touched but the capture that is written.
 * That goes to the folder for temporary files unless it was said where: a list of labs that are
 * tried one after the other should not fill somebody's own folder. A name there can be guessed, so
 * what is there already is written over only if it is a plain file of ours.
 *
 * On a terminal the answers wait for Enter; in a pipe nobody could press it, and they follow.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab_verb.h"
#include "options.h"
#include "os/os_sink.h"
#include "verbs.h"

enum { WIDTH = 80, PATH_ROOM = 512 };

struct lab_verb {
    struct options options;
    const char *capture;
    int language;
    bool answers, all, json, languages_both;
    struct os_sink out;
    struct capture captured;
    char path[PATH_ROOM];
};

/* --- the command line --------------------------------------------------------------------- */

static int take_language(void *context, const char *text, struct refusal *refusal)
{
    struct lab_verb *lab = context;
    static const char *const languages[LAB_LANGUAGES] = {"en", "ko"};

    for (int i = 0; i < LAB_LANGUAGES; i++) {
        if (strcmp(text, languages[i]) == 0) {
            lab->language = i;
            lab->languages_both = false;
            return 0;
        }
    }
    return refuse(refusal, EXIT_USAGE, "--lang %s: there are en and ko", text);
}

static int take_capture(void *context, const char *text, struct refusal *refusal)
{
    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--capture needs the name of a file");
    if (strcmp(text, "-") == 0)
        return refuse(refusal, EXIT_USAGE, "--capture -: the text goes there; name a file");
    ((struct lab_verb *)context)->capture = text;
    return 0;
}

static int take_answers(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct lab_verb *)context)->answers = true;
    return 0;
}

static int take_all(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct lab_verb *)context)->all = true;
    return 0;
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct lab_verb *)context)->json = true;
    return 0;
}

static const struct option_row rows[] = {
    {"lang", 0, "en|ko", "the language of the text (default: by LC_ALL, LC_MESSAGES, LANG)",
     take_language},
    {"capture", 0, "FILE", "where the packets go (default: tapio-lab-NAME.pcapng in TMPDIR)",
     take_capture},
    {"answers", 0, NULL, "on a terminal: show the answers at once", take_answers},
    {"json", 0, NULL, "what happened instead of the text, one JSON object a line", take_json},
    {"all", 0, NULL, "run all labs, and say of each whether its text is true", take_all},
};

static const struct option_verb verb = {
    .name = "lab",
    .arguments = "[NAME]",
    .help =
        "Without NAME, lists the experiments. With one, runs it in virtual time on real stacks "
        "and\n"
        "tells it: the calls beside their packets, what to see in them, how to repeat it by hand.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .more_operands = 1,
    .alone = true,
};

/* --- the terminal ------------------------------------------------------------------------- */

/* What the locale says about `category`, as setlocale() finds it. */
static const char *locale_of(const char *category)
{
    const char *all = getenv("LC_ALL"), *own = getenv(category), *lang = getenv("LANG");

    return all && *all ? all : own && *own ? own : lang ? lang : "";
}

static bool locale_is_utf8(void)
{
    const char *codeset = strchr(locale_of("LC_CTYPE"), '.');

    return codeset &&
           (strncasecmp(codeset + 1, "utf-8", 5) == 0 || strncasecmp(codeset + 1, "utf8", 4) == 0);
}

static unsigned width_of_terminal(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    uint64_t width = WIDTH;

    if (columns && number_parse(columns, 1, 10000, &width))
        ;
    else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    return width < LAB_WIDTH_MIN   ? LAB_WIDTH_MIN
           : width > LAB_WIDTH_MAX ? LAB_WIDTH_MAX
                                   : (unsigned)width;
}

static void print_line(struct lab_paper *paper, const char *text)
{
    (void)paper;
    puts(text);
}

static void print_nothing(struct lab_paper *paper, const char *text)
{
    (void)paper;
    (void)text;
}

static void wait_for_enter(struct lab_paper *paper)
{
    char buffer[LAB_WIDTH_MAX];
    struct text t = text_of(buffer, sizeof buffer);

    lab_say(paper, &t, "pause");
    puts(buffer);
    fflush(stdout);
    for (int c; (c = getchar()) != '\n' && c != EOF;)
        ;
}

static struct lab_paper paper_of(const struct lab_verb *lab)
{
    bool terminal = isatty(STDOUT_FILENO);
    const char *no_color = getenv("NO_COLOR");

    return (struct lab_paper){
        .line = print_line,
        .pause = terminal && isatty(STDIN_FILENO) && !lab->answers ? wait_for_enter : NULL,
        .width = width_of_terminal(),
        .utf8 = locale_is_utf8(),
        .color = terminal && !(no_color && *no_color),
        .words = lab_words,
        .language = lab->language,
    };
}

/* --- the capture -------------------------------------------------------------------------- */

static int open_ours(struct lab_verb *lab, const char *name, struct refusal *refusal)
{
    const char *dir = getenv("TMPDIR");
    struct stat st;

    int len = snprintf(lab->path, sizeof lab->path, "%s/tapio-lab-%s.pcapng",
                       dir && *dir ? dir : "/tmp", name);
    if (len < 0 || (size_t)len >= sizeof lab->path)
        return -refuse(refusal, EXIT_FAILURE, "TMPDIR is too long a name: use --capture FILE");
    int fd =
        open(lab->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    bool ours = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                st.st_nlink == 1;
    if (ours && ftruncate(fd, 0) == 0)
        return fd;
    refuse(refusal, EXIT_FAILURE, "%s: %s; choose a file by --capture FILE", lab->path,
           fd >= 0 && !ours ? "this is no file of yours" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return -EXIT_FAILURE;
}

static int start_capture(struct lab_verb *lab, const char *name, struct refusal *refusal)
{
    int fd;

    if (lab->capture) {
        snprintf(lab->path, sizeof lab->path, "%s", lab->capture);
        fd = open(lab->capture, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (fd < 0)
            return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", lab->capture, strerror(errno));
    } else {
        fd = open_ours(lab, name, refusal);
        if (fd < 0)
            return -fd;
    }
    os_sink_init(&lab->out, fd);
    return 0;
}

static int open_capture(struct lab_verb *lab, const struct lab_plan *plan, struct refusal *refusal)
{
    struct pcapng_config config = {.device = plan->host[plan->capture].name,
                                   .os = "tapio lab",
                                   .ethernet = plan->scene[0].ethernet};
    int err = capture_open(&lab->captured, &lab->out.sink, &config);
    return err ? refuse(refusal, EXIT_FAILURE, "%s: %s", lab->path, strerror(-err)) : 0;
}

static int close_capture(struct lab_verb *lab, int64_t end_ns, struct refusal *refusal)
{
    capture_close(&lab->captured, (instant){end_ns});
    int err = lab->captured.pcapng.errors ? lab->captured.pcapng.error : 0;
    if (close(lab->out.fd) && !err)
        err = -errno;
    return err ? refuse(refusal, EXIT_FAILURE, "%s: %s", lab->path, strerror(-err)) : 0;
}

/* --- one lab ------------------------------------------------------------------------------ */

static int run_lab(struct lab *lab, struct event_sink *capture, struct refusal *refusal)
{
    int err = lab_do(lab, capture);

    if (err == -EPROTO)
        return refuse(refusal, EXIT_FAILURE, "lab %s: %s", lab->source->name, lab->result.problem);
    return err ? refuse(refusal, EXIT_FAILURE, "lab %s: %s", lab->source->name, strerror(-err)) : 0;
}

static int check_lab(const struct lab *lab, struct refusal *refusal)
{
    char buffer[sizeof refusal->text];
    struct text why = text_of(buffer, sizeof buffer);

    return lab_check(lab, &why) ? 0 : refuse(refusal, EXIT_FAILURE, "lab %s", buffer);
}

static int tell_lab(struct lab_verb *v, const struct lab *lab, struct refusal *refusal)
{
    char buffer[sizeof refusal->text];
    struct text why = text_of(buffer, sizeof buffer);
    struct lab_paper paper = paper_of(v);

    if (lab_page_print(lab, &paper, v->path, &why))
        return 0;
    return refuse(refusal, EXIT_FAILURE, "lab %s", buffer);
}

static int open_lab(struct lab *lab, const struct lab_source *source, struct memory *memory,
                    struct refusal *refusal)
{
    char buffer[sizeof refusal->text];
    struct text why = text_of(buffer, sizeof buffer);
    int err = lab_open(lab, source, memory, &why);

    return err ? refuse(refusal, EXIT_FAILURE, "lab %s.lab: %s", source->name,
                        why.len ? buffer : strerror(-err))
               : 0;
}

static int do_one(struct lab_verb *v, const struct lab_source *source, struct refusal *refusal)
{
    struct memory memory = {0};
    struct lab lab;
    int status = open_lab(&lab, source, &memory, refusal);

    if (status)
        return status;
    status = start_capture(v, source->name, refusal);
    if (!status) {
        status = open_capture(v, lab.plan, refusal);
        if (!status)
            status = run_lab(&lab, &v->captured.sink, refusal);
        struct refusal unheard; /* the first one counts */
        int closed = close_capture(v, lab.result.scene_ended[lab.plan->scenes - 1],
                                   status ? &unheard : refusal);
        status = status ? status : closed;
    }
    if (v->json && lab.result.item) { /* also what went wrong: it is for who writes a lab, too */
        lab_json_items(&lab, v->language);
        lab_json_end(&lab, v->path, status ? refusal->text : NULL);
    }
    if (!status)
        status = check_lab(&lab, refusal);
    if (!status && !v->json)
        status = tell_lab(v, &lab, refusal);
    lab_close(&lab);
    return status;
}

/* Does the text hold in every language? Nothing is printed of it. */
static int try_one(const struct lab_verb *v, const struct lab_source *source,
                   struct refusal *refusal)
{
    struct memory memory = {0};
    struct lab lab;
    int status = open_lab(&lab, source, &memory, refusal);

    if (status)
        return status;
    status = run_lab(&lab, NULL, refusal);
    if (!status)
        status = check_lab(&lab, refusal);
    for (int language = 0; language < LAB_LANGUAGES && !status; language++) {
        char buffer[sizeof refusal->text];
        struct text why = text_of(buffer, sizeof buffer);
        struct lab_paper paper = {
            .line = print_nothing, .width = WIDTH, .words = lab_words, .language = language};
        if (!v->languages_both && language != v->language)
            continue;
        if (!lab_page_print(&lab, &paper, NULL, &why))
            status = refuse(refusal, EXIT_FAILURE, "lab %s", buffer);
    }
    lab_close(&lab);
    return status;
}

static int do_all(const struct lab_verb *v)
{
    int passed = 0, failed = 0;

    for (size_t i = 0; i < lab_source_count; i++) {
        struct refusal refusal = {0};
        bool bad = try_one(v, &lab_sources[i], &refusal) != 0;
        if (bad)
            printf("not ok %s: %s\n", lab_sources[i].name, refusal.text);
        else
            printf("ok %s\n", lab_sources[i].name);
        failed += bad;
        passed += !bad;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void list(int language)
{
    char buffer[LAB_PRINT];
    struct text hint = text_of(buffer, sizeof buffer);
    struct lab_paper paper = {.words = lab_words, .language = language};

    for (size_t i = 0; i < lab_source_count; i++) {
        struct bytes about = lab_head(lab_sources[i].text[language], "about");
        printf("%-12s  %.*s\n", lab_sources[i].name, (int)about.len, (const char *)about.at);
    }
    if (isatty(STDOUT_FILENO)) {
        lab_say(&paper, &hint, "hint");
        printf("\n%s\n", buffer);
    }
}

/* By its name or the beginning of it, if that is nobody else's; NULL and the reason. */
static const struct lab_source *find_lab(const char *name, struct refusal *refusal)
{
    const struct lab_source *begins = NULL, *near = NULL;
    int found = 0;

    for (size_t i = 0; i < lab_source_count; i++) {
        const struct lab_source *source = &lab_sources[i];
        if (strcmp(source->name, name) == 0)
            return source;
        if (*name && strncmp(source->name, name, strlen(name)) == 0) {
            begins = source;
            found++;
        } else if (!near && word_is_near(name, source->name)) {
            near = source;
        }
    }
    if (found == 1)
        return begins;
    if (found > 1)
        refuse(refusal, EXIT_USAGE, "lab %s: several begin so; 'tapio lab' lists them", name);
    else if (near)
        refuse(refusal, EXIT_USAGE, "no lab '%s'; did you mean '%s'?", name, near->name);
    else
        refuse(refusal, EXIT_USAGE, "no lab '%s'; 'tapio lab' lists them", name);
    return NULL;
}

int verb_lab(int argc, char **argv)
{
    static struct lab_verb v; /* not on the stack: it holds buffers */
    struct refusal refusal = {0};
    enum options_wish wish;
    int first = argc;

    v = (struct lab_verb){
        .languages_both = true,
        .language = strncmp(locale_of("LC_MESSAGES"), "ko", 2) == 0 ? LAB_KOREAN : LAB_ENGLISH};
    int status = options_read(&v.options, &verb, &v, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status && v.all && (first < argc || v.capture || v.json))
        status = refuse(&refusal, EXIT_USAGE, "--all: goes with --lang alone");
    if (!status && first == argc && v.capture)
        status = refuse(&refusal, EXIT_USAGE, "--capture: of which lab? 'tapio lab' lists them");
    if (status)
        return say_refusal(&refusal);
    if (v.all)
        return do_all(&v);
    if (first == argc) {
        if (v.json)
            lab_json_list(v.language);
        else
            list(v.language);
        return EXIT_SUCCESS;
    }
    const struct lab_source *source = find_lab(argv[first], &refusal);
    status = source ? do_one(&v, source, &refusal) : refusal.status;
    return status ? say_refusal(&refusal) : EXIT_SUCCESS;
}
