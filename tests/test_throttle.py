from dashboard import throttle


def test_so_many_tries_and_no_more_until_the_window_ends(time_machine):
    time_machine.move_to(1_000_000_020, tick=False)  # 20 seconds into a window

    taken = [throttle.take("key", limit=2, window=100) for _ in range(3)]

    assert [t.allowed for t in taken] == [True, True, False]
    assert [t.left for t in taken] == [1, 0, 0]
    assert {t.reset for t in taken} == {80}
    time_machine.shift(80)
    assert throttle.take("key", limit=2, window=100).allowed


def test_keys_do_not_share_their_tries():
    assert not [t for key in "ab" if not (t := throttle.take(key, limit=1, window=100)).allowed]


def test_tries_are_counted_across_processes(redis_url, settings):
    settings.CACHES = {"default": {"BACKEND": "dashboard.cache.ForgivingRedisCache", "LOCATION": redis_url}}

    assert [throttle.take("shared", limit=2, window=100).allowed for _ in range(3)] == [True, True, False]
