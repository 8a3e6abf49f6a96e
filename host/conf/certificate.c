/* certificate.c - the [certificate.NAME] sections: one for each name of TLS */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hosts.h"
#include "conf/load.h"
#include "conf/text.h"

#define CERTIFICATE "certificate."

static void out_of_memory(struct load *load)
{
    load_problem(load, 0, NULL, NULL, "out of memory");
}

static int line_of(const struct ini_section *section, const char *name)
{
    const struct ini_key *key = ini_find_key(section, name);

    return key != NULL ? key->line : section->line;
}

static void load_keys(struct load *load, struct conf_certificate *certificate,
                      const struct ini_section *section)
{
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        if (strcmp(key->section, "certificate") != 0) {
            continue;
        }
        load_value(load, key, section, certificate);
        if (!section->torn && ini_find_key(section, key->name) == NULL) {
            load_problem(load, section->line, section->name, key->name,
                         "is missing, as in %s = %s", key->name,
                         key->type == SCHEMA_NAMES ? "www.example.org, "
                                                     "*.example.com"
                                                   : "FILE");
        }
    }
    for (size_t i = 0; i < section->count; i++) {
        if (schema_find("certificate", section->keys[i].name) == NULL) {
            load_unknown(load, "certificate", section->name, &section->keys[i]);
        }
    }
    certificate->cert_line = line_of(section, "cert");
    certificate->key_line = line_of(section, "key");
    certificate->names_line = line_of(section, "names");
}

static void load_one(struct load *load, const struct ini_section *section)
{
    struct conf *conf = load->conf;
    const char *name = section->name + strlen(CERTIFICATE);
    struct conf_certificate *certificate =
        &conf->certificates[conf->certificate_count++];

    certificate->name = strdup(name);
    if (certificate->name == NULL) {
        out_of_memory(load);
    }
    if (!text_is_name(name)) {
        load_problem(load, section->line, section->name, NULL,
                     "\"%s\" is not a name, which has " TEXT_NAME_RULE, name);
    }
    load_keys(load, certificate, section);
}

/* The one before that has the name, too, in at most all of its own. */
static const struct conf_certificate *find_other(const struct conf *conf,
                                                 size_t index, size_t name)
{
    const char *wanted = conf->certificates[index].names[name];

    for (size_t i = 0; i <= index; i++) {
        const struct conf_certificate *other = &conf->certificates[i];
        size_t count = i < index ? other->name_count : name;

        for (size_t k = 0; k < count; k++) {
            if (strcmp(other->names[k], wanted) == 0) {
                return other;
            }
        }
    }
    return NULL;
}

static void check_names(struct load *load)
{
    const struct conf *conf = load->conf;

    for (size_t i = 0; i < conf->certificate_count; i++) {
        const struct conf_certificate *certificate = &conf->certificates[i];

        for (size_t k = 0; k < certificate->name_count; k++) {
            const struct conf_certificate *other = find_other(conf, i, k);
            struct buf section = { 0 };

            if (other != NULL) {
                buf_addf(&section, CERTIFICATE "%s", certificate->name);
                load_problem(
                    load, certificate->names_line, section.data, "names",
                    "\"%s\" is a name of [certificate.%s] (line %d) "
                    "already",
                    certificate->names[k], other->name, other->names_line);
            }
            buf_free(&section);
        }
    }
}

void load_certificates(struct load *load)
{
    const struct ini *ini = load->ini;
    struct conf *conf = load->conf;

    conf->certificates =
        calloc(CONF_MAX_CERTIFICATES, sizeof *conf->certificates);
    if (conf->certificates == NULL) {
        out_of_memory(load);
        return;
    }
    for (size_t i = 0; i < ini->count; i++) {
        const struct ini_section *section = &ini->sections[i];

        if (strncmp(section->name, CERTIFICATE, strlen(CERTIFICATE)) != 0) {
            continue;
        }
        if (conf->certificate_count == CONF_MAX_CERTIFICATES) {
            load_problem(load, section->line, section->name, NULL,
                         "more than %d certificates", CONF_MAX_CERTIFICATES);
            break;
        }
        load_one(load, section);
    }
    check_names(load);
}

void load_free_certificates(struct conf *conf)
{
    for (size_t i = 0; i < conf->certificate_count; i++) {
        struct conf_certificate *certificate = &conf->certificates[i];

        free(certificate->name);
        free(certificate->cert);
        free(certificate->key);
        hosts_free(certificate);
    }
    free(conf->certificates);
}
