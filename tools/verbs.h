/*
 * verbs.h - the verbs that are built in. Each gets argv[0] as its own name and returns what the
 * process exits with, after it has said why in one line if that is not 0.
 */
#ifndef TAPIO_TOOLS_VERBS_H
#define TAPIO_TOOLS_VERBS_H

#ifndef TAPIO_VERSION
#define TAPIO_VERSION "0.1.0"
#endif

int verb_serve(int argc, char **argv);
int verb_get(int argc, char **argv);
int verb_ping(int argc, char **argv);
int verb_dig(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_drill(int argc, char **argv);
int verb_sim(int argc, char **argv);
int verb_wire(int argc, char **argv);
int verb_lab(int argc, char **argv);
int verb_ss(int argc, char **argv);
int verb_why(int argc, char **argv);
int verb_top(int argc, char **argv);
int verb_capture(int argc, char **argv);
int verb_doctor(int argc, char **argv);

#endif
