// SPDX-License-Identifier: GPL-2.0
/*
 * data_race - two tasks that change one number without a lock
 *
 * What KCSAN must report; `make test-races` loads it before it believes in silence.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#define DATA_RACE_SECONDS 10

static unsigned long data_race_number;

static noinline void data_race_add(void)
{
	data_race_number++;
}

static int data_race_other(void *unused)
{
	while (!kthread_should_stop()) {
		data_race_add();
		cond_resched();
	}
	return 0;
}

static int __init data_race_init(void)
{
	unsigned long end = jiffies + DATA_RACE_SECONDS * HZ;
	struct task_struct *other;

	other = kthread_run(data_race_other, NULL, "data_race");
	if (IS_ERR(other))
		return PTR_ERR(other);
	while (time_before(jiffies, end)) {
		data_race_add();
		cond_resched();
	}
	kthread_stop(other);
	return 0;
}

static void __exit data_race_exit(void)
{
}

module_init(data_race_init);
module_exit(data_race_exit);

MODULE_DESCRIPTION("A data race");
MODULE_LICENSE("GPL");
