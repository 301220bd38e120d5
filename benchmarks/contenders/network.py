"""Network and decoding alone: one ``requests`` session a thread, every page read and decoded, then dropped."""

import itertools
import json
import threading

import requests

from benchmarks.contenders import PAGE_SIZE, task


def main() -> None:
    wanted = task()
    numbers = itertools.count(1)
    rows: list[int] = []
    done = threading.Event()

    def work() -> None:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {wanted.key}"
        while not done.is_set():
            page = {"page": str(next(numbers)), "page_size": str(PAGE_SIZE)}
            answer = session.get(f"{wanted.url}/migrations", params=page, timeout=10).json()
            rows.append(len(answer["data"]))
            if not answer["has_more"]:
                done.set()

    threads = [threading.Thread(target=work) for _ in range(wanted.in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"rows": sum(rows), "requests": len(rows)}))


if __name__ == "__main__":
    main()
