/*
 * http_mime_file.c - media types as a file lists them.
 *
 *     # Apache's and everybody's            types {
 *     text/html  html htm                       text/html  html htm;
 *     image/png  png                            image/png  png;
 *                                           }
 *
 * Both are words: the first of a statement is a type, the others are extensions. Outside of braces
 * a statement ends with its line; inside it ends with ";", and lines are nothing. Types without an
 * extension, of which the usual file has hundreds, are read and forgotten; so is an extension with
 * a dot in it, as a name is looked up by what is behind its last dot. What is no type and what can
 * be no extension is an error that names its line: a file that was half understood would show
 * months later.
 *
 * The text is read twice, first to check and to count, then to keep; so all that is kept is one
 * block of exactly the size it needs. Its rows are sorted as they come, which is quick enough for
 * 4096, and searched by halves.
 *
 * Text is said to be UTF-8 here as it is in the table, since the format has no place to say it.
 */
#include <errno.h>

#include "http/http_mime.h"
#include "http/http_octets.h"

static const char CHARSET[] = "; charset=utf-8";

struct row {
    struct bytes extension; /* in lower case */
    const char *type;
};

/* One block: this, room for as many rows as the text has extensions, and the words. */
struct http_mime_types {
    size_t size; /* of the block */
    size_t count;
    struct row rows[];
};

struct statement {
    struct bytes type; /* empty: none has begun */
    const char *kept;  /* what rows point to; NULL before there is one */
    bool counted;      /* the octets of the type are */
};

struct reading {
    struct bytes rest;
    uint64_t line;
    uint64_t opened; /* the line of "types {"; 0 outside */
    struct text *why;
    struct http_mime_types *types; /* NULL: only counting */
    struct writer words;
    size_t extensions, octets; /* counted */
};

/* --- words -------------------------------------------------------------------------------- */

enum word { A_WORD, A_STOP, AN_OPENING, A_CLOSING, THE_END };

static bool is_of_a_word(uint8_t octet)
{
    return octet != ' ' && octet != '\t' && octet != '\r' && octet != '\n' && octet != '#' &&
           octet != ';' && octet != '{' && octet != '}';
}

static enum word next_word(struct reading *r, struct bytes *word)
{
    while (r->rest.len > 0) {
        size_t len = 0;
        while (len < r->rest.len && is_of_a_word(r->rest.at[len]))
            len++;
        *word = bytes_first(r->rest, len > 0 ? len : 1);
        r->rest = bytes_skip(r->rest, word->len);
        if (len > 0)
            return A_WORD;
        switch (word->at[0]) {
        case ';':
            return A_STOP;
        case '{':
            return AN_OPENING;
        case '}':
            return A_CLOSING;
        case '#':
            while (r->rest.len > 0 && r->rest.at[0] != '\n')
                r->rest = bytes_skip(r->rest, 1);
            break;
        case '\n':
            r->line++;
            if (!r->opened)
                return A_STOP;
            break;
        default: /* a blank */
            break;
        }
    }
    *word = r->rest;
    return THE_END;
}

/* `line 3: "texthtml" is no media type`; of a long word only the beginning. */
static int complain(struct reading *r, uint64_t line, struct bytes word, const char *what)
{
    enum { SHOWN = 40 };

    text_add(r->why, "line ");
    text_add_u64(r->why, line);
    text_add(r->why, ": \"");
    text_add_escaped(r->why, bytes_first(word, SHOWN));
    text_add(r->why, word.len > SHOWN ? "...\" " : "\" ");
    text_add(r->why, what);
    return -EINVAL;
}

/* --- what they are ------------------------------------------------------------------------ */

static bool is_token(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!http_octet_is(b.at[i], HTTP_TCHAR))
            return false;
    return b.len > 0;
}

/* type "/" subtype (RFC 9110, 8.3.1). */
static bool is_type(struct bytes b)
{
    size_t slash = 0;

    while (slash < b.len && b.at[slash] != '/')
        slash++;
    return is_token(bytes_first(b, slash)) && is_token(bytes_skip(b, slash + 1));
}

static bool is_text(struct bytes type)
{
    return http_equals(bytes_first(type, 5), "text/");
}

static size_t len_of_type(struct bytes type)
{
    return type.len + (is_text(type) ? sizeof(CHARSET) - 1 : 0);
}

/* --- rows --------------------------------------------------------------------------------- */

/* Below, at or above 0: how `b`, in any case, stands to an extension in lower case. */
static int compare(struct bytes b, struct bytes extension)
{
    for (size_t i = 0; i < b.len && i < extension.len; i++)
        if (http_lower(b.at[i]) != extension.at[i])
            return http_lower(b.at[i]) < extension.at[i] ? -1 : 1;
    return b.len < extension.len ? -1 : b.len > extension.len;
}

/* The first row that is not before `extension`. */
static size_t place_of(const struct http_mime_types *types, struct bytes extension)
{
    size_t low = 0, high = types->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(extension, types->rows[middle].extension) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct http_mime_types *types, size_t place, struct bytes extension)
{
    return place < types->count && compare(extension, types->rows[place].extension) == 0;
}

static const char *keep_type(struct writer *words, struct bytes type)
{
    const char *kept = (const char *)words->at;

    write_bytes(words, type.at, type.len);
    if (is_text(type))
        write_bytes(words, CHARSET, sizeof(CHARSET) - 1);
    write_u8(words, '\0');
    return kept;
}

static void keep_row(struct http_mime_types *types, struct writer *words, struct bytes extension,
                     const char *type)
{
    const size_t place = place_of(types, extension);

    if (!is_at(types, place, extension)) {
        const struct bytes kept = bytes_of(words->at, extension.len);
        for (size_t i = 0; i < extension.len; i++)
            write_u8(words, http_lower(extension.at[i]));
        memmove(&types->rows[place + 1], &types->rows[place],
                (types->count - place) * sizeof(types->rows[0]));
        types->rows[place].extension = kept;
        types->count++;
    }
    types->rows[place].type = type;
}

/* --- statements --------------------------------------------------------------------------- */

static int take_type(struct reading *r, struct statement *statement, struct bytes word)
{
    if (!is_type(word))
        return complain(r, r->line, word, "is no media type");
    if (len_of_type(word) > HTTP_MIME_TYPE_MAX)
        return complain(r, r->line, word, "is longer than a media type may be here");
    *statement = (struct statement){.type = word};
    return 0;
}

static int take_extension(struct reading *r, struct statement *statement, struct bytes word)
{
    bool has_dot = false;

    if (!is_token(word) || word.at[0] == '.')
        return complain(r, r->line, word, "is no extension");
    for (size_t i = 0; i < word.len; i++)
        has_dot |= word.at[i] == '.';
    if (has_dot)
        return 0; /* no name has it behind its last dot */
    if (r->types) {
        if (!statement->kept)
            statement->kept = keep_type(&r->words, statement->type);
        keep_row(r->types, &r->words, word, statement->kept);
        return 0;
    }
    if (r->extensions == HTTP_MIME_EXTENSIONS_MAX) {
        complain(r, r->line, word, "is one extension too many: 4096 are the most");
        return -EFBIG;
    }
    static_assert(HTTP_MIME_EXTENSIONS_MAX == 4096, "as the sentence says");
    r->extensions++;
    r->octets += word.len;
    if (!statement->counted)
        r->octets += len_of_type(statement->type) + 1;
    statement->counted = true;
    return 0;
}

/* A word that begins a statement: a type, or "types" with the brace behind it. */
static int begin(struct reading *r, struct statement *statement, struct bytes word)
{
    const uint64_t line = r->line;
    struct bytes brace;

    if (r->opened || !http_equals(word, "types"))
        return take_type(r, statement, word);
    r->opened = line; /* the brace may be on the next line */
    return next_word(r, &brace) == AN_OPENING ? 0 : complain(r, line, word, "is no media type");
}

/* All of the text, to count or to keep. */
static int read_all(struct reading *r)
{
    struct statement statement = {0};
    struct bytes word;
    int err = 0;

    while (!err) {
        switch (next_word(r, &word)) {
        case A_WORD:
            err = statement.type.len > 0 ? take_extension(r, &statement, word)
                                         : begin(r, &statement, word);
            break;
        case A_STOP:
            statement = (struct statement){0};
            break;
        case AN_OPENING:
            err = complain(r, r->line, word, "has no \"types\" before it");
            break;
        case A_CLOSING:
            if (!r->opened)
                err = complain(r, r->line, word, "closes nothing");
            else if (statement.type.len > 0)
                err = complain(r, r->line, statement.type, "has no \";\" behind it");
            r->opened = 0;
            break;
        case THE_END:
            return r->opened ? complain(r, r->opened, bytes_of("types {", 7), "is never closed")
                             : 0;
        }
    }
    return err;
}

/* --- the whole ---------------------------------------------------------------------------- */

int http_mime_read(struct memory *memory, struct bytes text, struct http_mime_types **types,
                   struct text *why)
{
    struct reading counting = {.rest = text, .line = 1, .why = why};

    if (text.len > HTTP_MIME_TEXT_MAX) {
        static_assert(HTTP_MIME_TEXT_MAX == 256 * 1024, "as the sentence says");
        text_add(why, "more than 256 KiB");
        return -EFBIG;
    }
    int err = read_all(&counting);
    if (err)
        return err;

    const size_t head = sizeof(struct http_mime_types) + counting.extensions * sizeof(struct row);
    struct http_mime_types *made = memory_alloc(memory, head + counting.octets);
    if (!made) {
        text_add(why, "no memory");
        return -ENOMEM;
    }
    made->size = head + counting.octets;
    struct reading keeping = {
        .rest = text,
        .line = 1,
        .why = why,
        .types = made,
        .words = writer_of((uint8_t *)made + head, counting.octets),
    };
    err = read_all(&keeping);
    assert(!err && !keeping.words.overrun); /* the first time it was fine, and it fitted */
    *types = made;
    return 0;
}

void http_mime_free(struct memory *memory, struct http_mime_types *types)
{
    if (types)
        memory_release(memory, types, types->size);
}

const char *http_mime_find(const struct http_mime_types *types, const char *name, size_t len)
{
    const struct bytes extension = http_mime_extension(name, len);

    if (types && extension.len > 0) {
        const size_t place = place_of(types, extension);
        if (is_at(types, place, extension))
            return types->rows[place].type;
    }
    return http_mime_type(name, len);
}
