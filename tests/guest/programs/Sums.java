// SPDX-License-Identifier: GPL-2.0
import java.util.HashMap;

/**
 * What test_jvm.py runs: objects that live, are replaced, and die, and the sums
 * of those that are left.  usage: Sums OBJECTS ROUNDS
 */
public class Sums {
	static final int WORDS = 200;

	static int[] make(int object, int round) {
		int[] words = new int[WORDS];

		for (int i = 0; i < WORDS; i++)
			words[i] = object * 31 + round * 7 + i;
		return words;
	}

	public static void main(String[] args) {
		int objects = Integer.parseInt(args[0]), rounds = Integer.parseInt(args[1]);
		HashMap<Integer, int[]> live = new HashMap<>();
		HashMap<Integer, Integer> when = new HashMap<>();
		long sum = 0, wrong = 0;

		for (int round = 0; round < rounds; round++) {
			for (int object = 0; object < objects; object++) {
				if (object % (round + 1) != 0)
					continue;
				live.put(object, make(object, round));
				when.put(object, round);
			}
		}
		for (int object = 0; object < objects; object++) {
			int[] words = live.get(object), wanted = make(object, when.get(object));

			for (int i = 0; i < WORDS; i++) {
				sum += words[i];
				if (words[i] != wanted[i])
					wrong++;
			}
		}
		System.out.println(live.size() + " " + sum + " " + wrong);
	}
}
