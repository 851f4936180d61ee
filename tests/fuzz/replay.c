/*
 * main() for a harness without a fuzzer: feeds it every file of the folders given as arguments and, because
 * inputs also stop early, the first half of each, half of that, and so on.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* In memory of exactly its size, so that a sanitizer sees the first byte read too many. */
static void bytes_feed(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        exit(2);
    }
    memcpy(copy, bytes, size);
    (void) LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}


static void file_feed(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size > 0 ? size : 1);

    if (file == NULL || bytes == NULL || fread(bytes, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    /* Said before, so that the last line names the file when the harness aborts. */
    printf("%s\n", path);
    fflush(stdout);
    bytes_feed(bytes, size);
    for (size_t part = size / 2; part > 0; part /= 2) {
        bytes_feed(bytes, part);
    }
    free(bytes);
}


static unsigned folder_feed(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned fed = 0;

    if (dir == NULL) {
        fprintf(stderr, "%s: no such folder\n", folder);
        exit(2);
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];
        struct stat about;

        if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int) sizeof(path)
            || stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
            continue;
        }
        file_feed(path, (size_t) about.st_size);
        fed++;
    }
    closedir(dir);
    return fed;
}


int main(int argc, char **argv)
{
    unsigned fed = 0;

    for (int i = 1; i < argc; i++) {
        fed += folder_feed(argv[i]);
    }
    if (fuzz_accepted_inputs == 0) {
        printf("of %u inputs none was accepted\n", fed);
        return 1;
    }
    printf("%u inputs replayed\n", fed);
    return 0;
}
