/* Swarms: what a soak draws lets megabytes arrive, and what a config asks for is done as often as
 * it says, is undone, and ends. */
#include "base/instant.h"
#include "sim/swarm.h"
#include "support/proves.h"

enum { SEEDS = 300, PER_MILLE = UINT32_MAX / 1000 };

static struct swarm_config config; /* not on the stack: it is large */
static struct swarm_result result;

/* Two hosts, two routers, one connection of 100,000 octets each way at most, and no faults. */
static void setup(void)
{
    config = (struct swarm_config){.seed = 1,
                                   .hosts = 2,
                                   .routers = 2,
                                   .connections = 1,
                                   .octets = 100000,
                                   .mtu = 1500,
                                   .at = {0, 1},
                                   .opening_ns = NS_PER_S,
                                   .stop_ns = 100 * NS_PER_S,
                                   .grace_ns = 3600 * NS_PER_S,
                                   .steps_max = 10000000};
    values_default(&config.values);
    config.values.tcp_syncookies = 0;
    for (int i = 0; i < SWARM_LINKS; i++) {
        for (int way = 0; way < 2; way++)
            config.good[i][way] = config.bad[i][way] =
                (struct impair_config){.delay_ns = NS_PER_MS};
    }
}

static void run(void)
{
    struct memory memory = {0};

    ck_assert_int_eq(swarm_run(&config, &memory, &result), 0);
    ck_assert_msg(!result.problem, "%s", result.problem);
}

static void add(enum swarm_fault fault, uint32_t target, int64_t value, int64_t every_s,
                int64_t lasts_s)
{
    config.act[config.acts++] = (struct swarm_act){.at_ns = NS_PER_S / 2,
                                                   .fault = fault,
                                                   .target = target,
                                                   .value = value,
                                                   .every_ns = every_s * NS_PER_S,
                                                   .lasts_ns = lasts_s * NS_PER_S};
}

START_TEST(a_soak_is_its_seeds_run_made_long_and_mild)
{
    static struct swarm_config brief;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&brief, seed);
        swarm_draw_soak(&config, seed);
        ck_assert_uint_eq(config.faults, brief.faults);
        ck_assert_uint_eq(config.hosts, brief.hosts);
        ck_assert_uint_eq(config.mtu, brief.mtu);
        ck_assert_uint_eq(config.acts, brief.acts);
        ck_assert_uint_ge(config.octets, 4 << 20);
        ck_assert_uint_lt(config.octets, 1 << 30); /* the sum of both ways has 32 bits */
        ck_assert_uint_ge(config.stop_percent, 80);
        for (uint32_t i = 0; i < config.hosts + config.routers - 1; i++) {
            for (int way = 0; way < 2; way++) {
                const struct impair_config *bad = &config.bad[i][way];
                ck_assert_uint_le(bad->loss, 51ul * PER_MILLE);
                ck_assert_uint_le(bad->corrupt, 5ul * PER_MILLE);
                ck_assert_uint_eq(bad->reorder > 0, brief.faults >> SWARM_REORDER & 1);
                ck_assert_uint_eq(bad->duplicate > 0, brief.faults >> SWARM_DUPLICATE & 1);
            }
        }
        for (uint32_t i = 0; i < config.acts; i++) {
            ck_assert_int_lt(config.act[i].at_ns, config.act[i].every_ns);
            ck_assert_int_lt(config.act[i].lasts_ns, config.act[i].every_ns);
        }
    }
}
END_TEST

START_TEST(an_act_is_done_once_or_again_and_again_until_the_faults_stop)
{
    add(SWARM_LEAP, 0, NS_PER_MS, 0, 0);
    add(SWARM_SLEEP, 1, NS_PER_MS, 10, 0);
    run();
    ck_assert_uint_eq(result.leaps, 1);
    ck_assert_uint_eq(result.sleeps, 10); /* 0.5, 10.5, ... 90.5 s; 100.5 s is too late */
    ck_assert_uint_eq(swarm_injected(&result), 11);
}
END_TEST

/* A black hole that passes lets the connection end long before the faults stop. */
START_TEST(what_lasts_for_a_while_is_undone)
{
    config.octets = 10000000;
    config.mtu = 9000;
    config.stop_ns = 40000 * NS_PER_S;
    config.stop_percent = 100;
    config.values.tcp_black_hole = 0; /* nobody works around it */
    config.values.tcp_retries = 64;
    add(SWARM_BLACK_HOLE, 1, 600, 20000, 5 + _i);
    run();
    ck_assert_uint_gt(result.too_big, 0);
    ck_assert_uint_eq(swarm_injected(&result), result.too_big);
    ck_assert_int_lt(result.took_ns, 1000 * NS_PER_S);
}
END_TEST

START_TEST(faults_stop_early_once_enough_has_arrived)
{
    int64_t whole[2];

    config.stop_ns = 20000 * NS_PER_S;
    for (int early = 0; early < 2; early++) {
        config.stop_percent = early ? 90 : 0;
        run();
        whole[early] = result.took_ns;
    }
    ck_assert_int_ge(whole[0], config.stop_ns);
    ck_assert_int_lt(whole[1], 600 * NS_PER_S);
}
END_TEST

START_TEST(packets_that_a_full_queue_drops_are_no_faults)
{
    for (int i = 0; i < SWARM_LINKS; i++) {
        for (int way = 0; way < 2; way++) {
            config.bad[i][way].rate = 1000000;
            config.bad[i][way].queue_frames = 2;
        }
    }
    run();
    ck_assert_uint_gt(result.overflowed, 0);
    ck_assert_uint_eq(swarm_injected(&result), 0);
}
END_TEST

/* Chance strikes segments, whoever has made them. */
START_TEST(devices_that_offload_change_no_octet_and_no_two_runs)
{
    struct swarm_result first;
    uint64_t cut = 0, joined = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        swarm_draw(&config, seed);
        config.offload = seed % 2 ? UINT32_MAX : 0xaa;
        run();
        first = result;
        run();
        ck_assert_mem_eq(&first, &result, sizeof first);
        cut += result.cut;
        joined += result.joined;
    }
    ck_assert_uint_gt(joined, 100);
    ck_assert_uint_gt(cut, 100);
}
END_TEST

START_TEST(half_of_the_seeds_have_devices_that_offload)
{
    unsigned with = 0, without = 0, mixed = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        swarm_draw(&config, seed);
        uint32_t all = (1u << config.hosts) - 1;
        ck_assert_uint_eq(config.offload & ~all, 0);
        with += config.offload == all;
        without += config.offload == 0;
        mixed += config.offload != 0 && config.offload != all;
    }
    ck_assert_uint_gt(with, SEEDS / 50);
    ck_assert_uint_gt(without, SEEDS * 4 / 10);
    ck_assert_uint_gt(mixed, SEEDS / 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("swarm");
    TCase *c = tcase_create("soaks and acts");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, a_soak_is_its_seeds_run_made_long_and_mild);
    tcase_add_test(c, an_act_is_done_once_or_again_and_again_until_the_faults_stop);
    tcase_add_loop_test(c, what_lasts_for_a_while_is_undone, 0, 3);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, devices_that_offload_change_no_octet_and_no_two_runs);
    tcase_add_test(c, half_of_the_seeds_have_devices_that_offload);
    tcase_add_test(c, faults_stop_early_once_enough_has_arrived);
    tcase_add_test(c, packets_that_a_full_queue_drops_are_no_faults);
    suite_add_tcase(s, c);
    return run_suite(s, "swarm");
}
