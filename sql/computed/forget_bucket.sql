-- Forget the files of a bucket whose rows were added.
drop view chunk_recommendations;
drop view chunk_ranks;
drop view chunk_figures;
