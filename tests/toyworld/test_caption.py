from videopasta_assets.toyworld.caption import caption, timed_captions


def test_captions_are_ordered_and_inside_the_video(many_scenes: list) -> None:
    for scene, _ in many_scenes:
        events = timed_captions(scene)
        assert [event.start for event in events] == sorted(event.start for event in events)
        assert all(0 <= event.start < event.end <= scene.duration for event in events)


def test_every_flash_is_told(many_scenes: list) -> None:
    for scene, _ in many_scenes:
        text = caption(scene)
        assert all(f"The {thing.name} flashes." in text for thing in scene.things)
